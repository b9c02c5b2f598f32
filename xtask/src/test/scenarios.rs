//! The scenarios of `tests/local`, with the tools that they need.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use harness::{command::output, console};
use serde_json::Value;
use tokio::process::Command;

use super::report::Report;
use crate::cargo::{self, Ended};
use crate::stack;

/// The short bench, on a busy machine.
const BENCH: Duration = Duration::from_mins(5);

/// The brokers' programs that scenarios may need, as `--list` shows them before a test's name.
fn needs(list: &str) -> BTreeSet<&str> {
    let kinds = list
        .lines()
        .filter_map(|line| line.strip_prefix('[')?.split_once(']'));
    kinds.flat_map(|(kind, _)| kind.split(',')).collect()
}

pub(super) async fn run(report: &mut Report, keep: bool) -> Result<()> {
    // A word that names a check means no scenario.
    let Some(only) = report.other_words() else {
        return Ok(());
    };
    let list = report.selection.list;
    let args = report.selection.arguments(&only);
    let names = cargo::test(
        "scenarios",
        &[&args[..], &["--list".to_owned()]].concat(),
        &[],
    )
    .await?;
    if list {
        console::result(names.output.trim_end());
        return Ok(());
    }
    prepare(needs(&names.output)).await?;
    let keep = keep.then_some(("KEEP_STACKS", "1"));
    let Ended {
        passed,
        failed,
        output,
    } = cargo::test("scenarios", &args, keep.as_slice()).await?;
    report.pass(passed);
    for name in failed {
        let reason = output
            .split_once(&format!("---- {name} ----"))
            .map_or("", |(_, reason)| reason);
        let reason = reason.split("\n----").next().unwrap_or_default();
        report.fail(
            &name,
            reason
                .split("\n\nfailures:")
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned(),
        );
    }
    Ok(())
}

pub(super) async fn contract() -> Result<String> {
    prepare(BTreeSet::new()).await?;
    cargo::run(&["test", "--quiet", "--workspace", "--test=contract"]).await?;
    Ok("Subscriptions, environment and ports".to_owned())
}

/// Without a look at how fast anything is.
pub(super) async fn bench() -> Result<String> {
    prepare(BTreeSet::new()).await?;
    let only = "sidecar_http,post_tasks_stub,latency,end_to_end_without_inbox";
    let mut command = Command::new(cargo::binaries(false).join("stack"));
    command.args([
        "bench",
        "--seconds=1",
        "--rounds=1",
        "--json",
        "--only",
        only,
    ]);
    let line = output(&mut command, BENCH, "").await?;
    let figures: Value = serde_json::from_str(&line)?;
    for measured in [
        "post_tasks_stub_per_second",
        "latency_p99_ms",
        "end_to_end_without_inbox_per_second",
    ] {
        ensure!(
            figures[measured].as_f64() > Some(0.0),
            "no {measured}: {line}"
        );
    }
    Ok(format!("{} lost", figures["lost"]))
}

/// The services, and the tools of a stack with these brokers.
async fn prepare(brokers: BTreeSet<&str>) -> Result<()> {
    let (_, ()) = tokio::try_join!(
        stack::tell_tests(brokers),
        cargo::build_stack(false, &["task-gate"])
    )?;
    Ok(())
}
