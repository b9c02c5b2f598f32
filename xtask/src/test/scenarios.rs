//! The scenarios, on this machine's stack.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use e2e::scenarios::{ALL, LONG, Scenario, Setup};

use super::report::Report;
use crate::{tools, up};

/// Stacks that run at the same time where they have little to do: each is a broker, two sidecars and two services.
const AT_ONCE: usize = 3;

pub(super) async fn check(report: &mut Report, long: bool, keep: bool) -> Result<()> {
    let long = LONG.iter().filter(|_| long);
    let wanted: Vec<_> = ALL
        .iter()
        .chain(long)
        .filter(|scenario| report.wants(scenario.name, scenario.promise))
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let missing = ensure_brokers(&wanted).await;
    let brokers = wanted.iter().flat_map(|scenario| scenario.brokers());
    let there: Vec<_> = brokers
        .filter(|broker| !missing.contains_key(broker))
        .collect();
    let toolbox = tools::toolbox(&there).await?;
    let binaries = up::build().await?;
    let setup = Setup {
        toolbox,
        api: binaries.api,
        worker: binaries.worker,
        probe: binaries.probe,
        keep,
    };
    let run = async |scenario: &'static Scenario| {
        if let Some(why) = scenario.brokers().find_map(|broker| missing.get(broker)) {
            bail!("{why}");
        }
        (scenario.run)(setup.clone())
            .await
            .with_context(|| format!("promised: {}", scenario.promise))
    };
    let (waiting, working): (Vec<&'static Scenario>, Vec<_>) =
        wanted.into_iter().partition(|it| it.mostly_waits());
    let waiting = waiting.into_iter().map(|it| (it.name, run(it)));
    report.check_at_once(AT_ONCE, waiting).await;
    for scenario in working {
        let name = scenario.name;
        report
            .check(name, scenario.promise, async || run(scenario).await)
            .await;
    }
    Ok(())
}

/// Installs what is missing, one broker after another, so that one that cannot be had fails its own scenarios only. Gives
/// for each of those what to do about it.
async fn ensure_brokers(scenarios: &[&Scenario]) -> BTreeMap<&'static str, String> {
    let mut missing = BTreeMap::new();
    let brokers: BTreeSet<_> = scenarios.iter().flat_map(|it| it.brokers()).collect();
    for broker in brokers {
        if let Err(error) = tools::ensure_broker(broker).await {
            missing.insert(broker, format!("{error:#}"));
        }
    }
    missing
}
