//! The table for people.

use console::{Style, measure_text_width};

use crate::ask::Row;
use crate::figures::State;
use crate::text;

const TITLES: [&str; 8] = [
    "component",
    "topic",
    "consumer",
    "backlog",
    "pending",
    "oldest",
    "dead letters",
    "state",
];
/// Columns of numbers end at the same place.
const NUMBERS: std::ops::Range<usize> = 3..7;

/// The rows as lines; coloured where standard output is a terminal.
pub(crate) fn lines(rows: &[Row]) -> Vec<String> {
    let cells: Vec<[String; 8]> = rows.iter().map(cells).collect();
    let titles = TITLES.map(str::to_owned);
    let width = |column: usize| {
        let all = cells.iter().chain(std::iter::once(&titles));
        all.map(|row| measure_text_width(&row[column]))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..TITLES.len()).map(width).collect();
    let mut lines = vec![line(&titles, &widths, &Style::new().bold())];
    for (row, cells) in rows.iter().zip(&cells) {
        let style = match row.state {
            State::Drained => Style::new().green(),
            State::Waiting => Style::new().yellow(),
            State::Unknown => Style::new().red(),
        };
        lines.push(line(cells, &widths, &style));
    }
    lines
}

fn line(cells: &[String; 8], widths: &[usize], last: &Style) -> String {
    let mut line = String::new();
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let fill = " ".repeat(width - measure_text_width(cell));
        if column + 1 == cells.len() {
            line.push_str(&last.apply_to(cell).to_string());
        } else if NUMBERS.contains(&column) {
            line.extend([fill.as_str(), cell, "  "]);
        } else {
            line.extend([cell, fill.as_str(), "  "]);
        }
    }
    line
}

fn cells(row: &Row) -> [String; 8] {
    let figures = &row.figures;
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), text::count);
    let more = if figures.backlog_at_least { "+" } else { "" };
    let state = match &figures.reason {
        Some(reason) => format!("{}: {reason}", row.state.name()),
        None => row.state.name().to_owned(),
    };
    [
        row.component.clone(),
        row.topic.clone(),
        if row.consumer.is_empty() {
            "-".to_owned()
        } else {
            row.consumer.clone()
        },
        format!("{}{more}", number(figures.backlog)),
        number(figures.pending),
        figures.oldest.map_or_else(|| "-".to_owned(), text::age),
        number(figures.dead_letters),
        state,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figures;
    use crate::settle::testing::{row, waiting};

    #[test]
    fn columns_are_aligned_and_unknown_is_a_dash() {
        console::set_colors_enabled(false);
        let rows = [
            waiting(1_204, 3, Some(41)),
            row("audit", Figures::unknown("away")),
        ];
        assert_eq!(
            lines(&rows),
            [
                "component     topic        consumer     backlog  pending  oldest  dead letters  state",
                "pubsub-redis  task-events  task-worker    1,204        3    41 s             -  waiting",
                "pubsub-redis  task-events  audit              -        -       -             -  unknown: away",
            ]
        );
    }
}
