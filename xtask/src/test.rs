//! `cargo xtask test`: everything that a fresh machine can check.

mod code;
mod docs;
pub(crate) mod reading;
pub(crate) mod report;
mod scenarios;
mod workflows;

use std::process::ExitCode;

use anyhow::Result;

use report::{Report, Selection};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Leaves the folders of the scenarios, with all logs, in target/stacks.
    #[arg(long)]
    keep: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let mut report = Report::new(args.selection);
    code::check(&mut report).await;
    reading::check(&mut report).await;
    report
        .check(
            "chart",
            "the chart and argocd/ are what Helm, Kubernetes, Dapr, KEDA and Argo CD take, and render what they did",
            crate::chart::check,
        )
        .await;
    docs::check(&mut report).await;
    workflows::check(&mut report).await;
    scenarios::check(&mut report, args.keep).await?;
    Ok(report.end())
}
