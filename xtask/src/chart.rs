//! The tests of `tests/chart`, with the tools that they need: the check `chart`, and `cargo xtask chart`.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use harness::{console, workspace};
use serde_json::json;

use crate::cargo::{self, Ended};
use crate::test::report::Outcome;
use crate::tools::{self, Tool};

/// Where `chart_tests::tools` reads.
const TOOLS: &str = "target/chart-tools.json";

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

async fn write_tools() -> Result<()> {
    let wanted = [
        ("helm3", Tool::Helm3),
        ("helm4", Tool::Helm4),
        ("helm_docs", Tool::HelmDocs),
        ("helm_unittest", Tool::HelmUnittest),
        ("kubeconform", Tool::Kubeconform),
        ("kube_score", Tool::KubeScore),
        ("argo_cd", Tool::ArgoCdModule),
        ("components_contrib", Tool::ComponentsModule),
        ("dapr", Tool::DaprModule),
        ("keda", Tool::KedaModule),
        ("kubernetes", Tool::KubernetesModule),
        ("prometheus_operator", Tool::PrometheusOperatorModule),
    ];
    let tools = tools::ensure(&wanted.map(|(_, tool)| tool)).await?;
    let mut paths = json!({});
    for (name, tool) in wanted {
        paths[name] = json!(tools.path(tool)?);
    }
    std::fs::create_dir_all(workspace().join("target"))?;
    Ok(std::fs::write(workspace().join(TOOLS), paths.to_string())?)
}
