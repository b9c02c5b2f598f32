//! The scenarios, on this machine's stack.

use anyhow::{Context as _, Result};
use e2e::scenarios::{ALL, Setup};

use super::report::Report;
use crate::{tools, up};

pub(super) async fn check(report: &mut Report, keep: bool) -> Result<()> {
    let wanted: Vec<_> = ALL
        .iter()
        .filter(|scenario| report.wants(scenario.name, scenario.promise))
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let toolbox = tools::toolbox(true).await?;
    let binaries = up::build().await?;
    let setup = Setup {
        toolbox,
        api: binaries.api,
        worker: binaries.worker,
        probe: binaries.probe,
        keep,
    };
    for scenario in wanted {
        let run = async || {
            (scenario.run)(setup.clone())
                .await
                .with_context(|| format!("promised: {}", scenario.promise))
        };
        report.check(scenario.name, scenario.promise, run).await;
    }
    Ok(())
}
