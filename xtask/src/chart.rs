//! The tests of `tests/chart`, with the tools that they need: the check `chart`, and `cargo xtask chart`.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use harness::{console, toolbox::CHART};

use crate::cargo::{self, Ended};
use crate::stack;
use crate::test::report::Outcome;
use crate::tools::{self, Tool};

const TOOLS: [Tool; 12] = [
    "helm3",
    "helm4",
    "helm-docs",
    "helm-unittest",
    "kubeconform",
    "kube-score",
    "argo-cd-module",
    "components-module",
    "dapr-module",
    "keda-module",
    "kubernetes-module",
    "prometheus-operator-module",
];

/// Writes the files of the chart that nobody edits, its README and `golden/`, and `docs/asyncapi.json`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Instead has the API server that KUBECONFIG names judge every example and every environment of Argo CD, without creating them.
    #[arg(long)]
    server_side: bool,
}

pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    if args.server_side {
        let passed = test(&["server::", "--ignored"], &[]).await?;
        console::result(format!("{passed} passed"));
    } else {
        test(&["generated::"], &[("UPDATE_GOLDEN", "1")]).await?;
        console::result("README.md, golden/ and docs/asyncapi.json are up to date");
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs what the arguments select; the number of tests that passed.
async fn test(args: &[&str], environment: &[(&str, &str)]) -> Result<usize> {
    write_tools().await?;
    let args: Vec<_> = args.iter().map(|&arg| arg.to_owned()).collect();
    let ended = cargo::test("chart", &args, environment).await?;
    let Ended {
        passed,
        failed,
        output,
    } = ended;
    ensure!(failed.is_empty() && passed > 0, "{}", output.trim());
    Ok(passed)
}

/// All of them, but for those that ask an API server.
pub(crate) async fn check() -> Result<Outcome> {
    let passed = test(&[], &[]).await?;
    let figures = format!("{passed} tests");
    Ok(Outcome { passed, figures })
}

/// For `chart_tests::tools`.
async fn write_tools() -> Result<()> {
    let tools = tools::ensure(&TOOLS).await?;
    stack::toolbox(&tools, false).write(CHART)
}
