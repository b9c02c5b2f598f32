//! What the documents say about the tests is true.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use e2e::local::workspace;
use e2e::{cluster_scenarios, scenarios};

use super::report::Report;

/// Checks that GUARANTEES.md may name beside the scenarios.
const OTHERS: [&str; 5] = [
    "units",
    "chart-keys",
    "chart-ready",
    "chart-refusals",
    "contract",
];

pub(super) async fn check(report: &mut Report) {
    report
        .check(
            "docs",
            "GUARANTEES.md names every scenario, and no test that does not exist",
            guarantees,
        )
        .await;
}

#[allow(clippy::unused_async, reason = "checks are asynchronous")]
async fn guarantees() -> Result<String> {
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
    let local = scenarios::ALL.iter().map(|scenario| scenario.name);
    let cluster = cluster_scenarios::ALL.iter().map(|scenario| scenario.name);
    let mut known: BTreeSet<_> = local.chain(cluster).chain(OTHERS).collect();
    let missing: Vec<_> = known.difference(&named).copied().collect();
    known.extend(scenarios::LONG.iter().map(|scenario| scenario.name));
    let unknown: Vec<_> = named
        .difference(&known)
        .filter(|name| !name.contains('/'))
        .collect();
    ensure!(missing.is_empty(), "no row for {missing:?}");
    ensure!(unknown.is_empty(), "there is no test {unknown:?}");
    Ok(format!("{} tests", named.len()))
}
