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

/// Runs a table of checks, each with what it promises.
macro_rules! checks {
    ($report:ident; $($name:literal = $check:path: $promise:literal;)*) => {
        $($report.check($name, $promise, $check).await;)*
    };
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let mut report = Report::new(args.selection);
    checks! { report;
        "format" = code::format: "the code is formatted";
        "clippy" = code::clippy: "no lint complains";
        "units" = code::units: "unit tests, black-box tests of the services, and the examples in the docs";
        "dependencies" = reading::dependencies: "every dependency has a licence that is allowed, comes from the registry, and is there once";
        "descriptions" = reading::descriptions: "OpenAPI and AsyncAPI are what their specifications allow";
        "spelling" = reading::spelling: "no word is misspelt";
        "chart" = crate::chart::check: "the chart and argocd/ are what Helm, Kubernetes, Dapr, KEDA and Argo CD take, and render what they did";
        "docs" = docs::guarantees: "GUARANTEES.md names every scenario, and no test that does not exist";
        "workflows" = workflows::workflows: "actionlint, zizmor and shellcheck have nothing to say";
        "contract" = scenarios::contract: "routes, topics, ports and timings are the same in the services and in the chart";
        "bench" = scenarios::bench: "the bench runs, in short: what it posts has its effect";
    }
    scenarios::run(&mut report, args.keep).await?;
    Ok(report.end())
}
