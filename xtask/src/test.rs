//! `cargo xtask test`: everything that a fresh machine can check.

mod argocd;
mod chart;
mod code;
mod contract;
mod docs;
pub(crate) mod reading;
pub(crate) mod report;
mod scenarios;
mod schemas;

use std::process::ExitCode;

use anyhow::Result;

use report::Report;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Runs only the checks whose name contains this.
    #[arg(long, value_name = "WORD")]
    only: Option<String>,
    /// Leaves the folders of the scenarios, with all logs, in target/stacks.
    #[arg(long)]
    keep: bool,
    /// Lists the checks and what each promises.
    #[arg(long)]
    list: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let mut report = Report::new(args.only, args.list);
    code::check(&mut report).await;
    reading::check(&mut report).await;
    chart::check(&mut report).await;
    argocd::check(&mut report).await;
    contract::check(&mut report).await;
    docs::check(&mut report).await;
    scenarios::check(&mut report, args.keep).await?;
    Ok(report.end())
}
