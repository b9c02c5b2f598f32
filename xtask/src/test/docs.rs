//! What the documents say about the tests is true.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use harness::workspace;

/// Where the scenarios are listed.
const TABLES: [&str; 2] = [
    "tests/local/src/scenarios/table.rs",
    "tests/cluster/src/scenarios.rs",
];

/// Checks that GUARANTEES.md may name beside the scenarios.
const OTHERS: [&str; 3] = ["units", "chart", "contract"];

#[allow(clippy::unused_async, reason = "checks are asynchronous")]
pub(super) async fn guarantees() -> Result<String> {
    let text = std::fs::read_to_string(workspace().join("GUARANTEES.md"))?;
    let promised = text
        .lines()
        .skip_while(|line| *line != "## Promised")
        .skip(1);
    let promised = promised.take_while(|line| !line.starts_with("## "));
    let tests = promised
        .filter_map(|line| line.strip_suffix(" |")?.rsplit_once(" | "))
        .map(|(_, tests)| tests);
    let named: BTreeSet<_> = tests
        .flat_map(|tests| tests.split('`').skip(1).step_by(2))
        .collect();
    let tables = TABLES.map(|table| std::fs::read_to_string(workspace().join(table)));
    let [local, cluster] = tables;
    let (local, cluster) = (local?, cluster?);
    let known: BTreeSet<_> = names(&local).chain(names(&cluster)).chain(OTHERS).collect();
    let missing: Vec<_> = known
        .difference(&named)
        .filter(|name| !name.starts_with("long-"))
        .collect();
    let unknown: Vec<_> = named
        .difference(&known)
        .filter(|name| !name.contains('/'))
        .collect();
    ensure!(missing.is_empty(), "no row for {missing:?}");
    ensure!(unknown.is_empty(), "there is no test {unknown:?}");
    Ok(format!("{} tests", named.len()))
}

/// The names in a table of scenarios: each stands between ` = "` and `": "`.
fn names(table: &str) -> impl Iterator<Item = &str> {
    let rows = table.lines().filter_map(|line| line.split_once("\": \""));
    rows.filter_map(|(row, _)| row.split_once(" = \""))
        .map(|(_, name)| name)
}
