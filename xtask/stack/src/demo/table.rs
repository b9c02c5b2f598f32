//! The table at the end.

use std::collections::BTreeMap;

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

/// One line for each broker and one for all; numbers stand right, below their headings.
pub(super) fn render(brokers: &BTreeMap<String, Count>, total: &Count) -> String {
    let rows = brokers.iter().map(|(name, count)| row(name, count));
    let rows = rows.chain([row("total", total)]);
    let lines = [HEADINGS.map(str::to_owned)].into_iter().chain(rows);
    let lines: Vec<_> = lines.map(|cells| line(&cells)).collect();
    format!("\n{}\n", lines.join("\n"))
}

fn line(cells: &[String; 7]) -> String {
    let [name, numbers @ ..] = cells;
    let numbers = numbers.iter().zip(&HEADINGS[1..]);
    let numbers =
        numbers.map(|(cell, heading)| format!("   {cell:>width$}", width = heading.len()));
    format!("{name:<8}{}", numbers.collect::<Vec<_>>().concat())
}

fn row(name: &str, count: &Count) -> [String; 7] {
    [
        name.to_owned(),
        count.published.to_string(),
        count.acknowledged.to_string(),
        count.received.to_string(),
        count.lost.to_string(),
        count.duplicated_effects.to_string(),
        count.failed_publishes.to_string(),
    ]
}
