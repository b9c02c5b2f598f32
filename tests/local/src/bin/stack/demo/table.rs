//! The table at the end.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use harness::ledger::Count;

const HEADINGS: [&str; 7] = [
    "broker",
    "published",
    "acknowledged",
    "received",
    "lost",
    "duplicated effects",
    "failed publishes",
];

/// One line for each broker and one for all; numbers stand right.
pub(super) fn render(brokers: &BTreeMap<String, Count>, total: &Count) -> String {
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    lines.extend(brokers.iter().map(|(name, count)| row(name, count)));
    lines.push(row("total", total));
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..HEADINGS.len()).map(width).collect();
    let mut text = String::from("\n");
    for line in &lines {
        for (column, cell) in line.iter().enumerate() {
            let width = widths[column];
            let _ = match column {
                0 => write!(text, "{cell:<width$}"),
                _ => write!(text, "   {cell:>width$}"),
            };
        }
        text.push('\n');
    }
    text
}

fn row(name: &str, count: &Count) -> [String; 7] {
    let figures = [
        count.published,
        count.acknowledged,
        count.received,
        count.lost,
        count.duplicated_effects,
        count.failed_publishes,
    ];
    let [published, acknowledged, received, lost, duplicated, failed] = figures.map(grouped);
    [
        name.to_owned(),
        published,
        acknowledged,
        received,
        lost,
        duplicated,
        failed,
    ]
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(String::from_utf8_lossy)
        .collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_under_each_other() {
        let count = Count {
            published: 1_234_567,
            acknowledged: 12,
            ..Count::default()
        };
        let text = render(
            &BTreeMap::from([("redis".to_owned(), count.clone())]),
            &count,
        );
        let lengths: Vec<_> = text.lines().skip(1).map(str::len).collect();
        assert_eq!(lengths.len(), 3);
        assert!(lengths.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
        assert!(text.contains("1,234,567   "), "{text}");
    }
}
