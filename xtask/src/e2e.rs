//! `cargo xtask e2e`: the product on the cluster that `KUBECONFIG` names, by Helm and by Argo CD.

mod images;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use harness::console::{self, style};
use harness::workspace;
use uuid::Uuid;

use crate::cargo;
use crate::test::report::Selection;
use crate::tools;
use serde_json::{Value, json};

/// Needs a Kubernetes with Dapr 1.18.3 or newer and the brokers where the chart's values have them, or `--values` says they are.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Builds the images and runs this for each archive, such as `kind load image-archive {archive}`.
    #[arg(long, value_name = "COMMAND", value_parser = images::command)]
    load: Option<String>,
    /// What stands before the images' names; without --load they are pulled from there.
    #[arg(long, value_name = "HOST/PATH", default_value = "localhost")]
    registry: String,
    /// The images' tag. Without it: the workspace's version.
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    tag: String,
    /// Values for every release: where the brokers of this cluster are.
    #[arg(long, value_name = "FILE")]
    values: Option<PathBuf>,
    /// A git repository where a branch can be pushed, for the part with Argo CD.
    #[arg(long, value_name = "URL", requires = "git_sync")]
    git_push: Option<String>,
    /// The same repository, as Argo CD reaches it.
    #[arg(long, value_name = "URL", requires = "git_push")]
    git_sync: Option<String>,
    /// Tasks a second of each scenario under load. Three of them run at once.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(3..=10_000))]
    rate: u32,
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Leaves the namespaces in place.
    #[arg(long)]
    keep: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let filter = args.selection.arguments(&args.selection.only);
    if args.selection.list {
        let names = [&filter[..], &["--list".to_owned()]].concat();
        let names = cargo::test("cluster", &names, &[]).await?;
        console::result(names.output.trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    if !harness::Kubectl::is_named() {
        bail!(
            "KUBECONFIG is not set, so the cluster part was not run. It takes any cluster with Dapr 1.18.3, for example one of \
             kind: CONTRIBUTING, `On a cluster`"
        );
    }
    let title = style("\nThe chart on a cluster\n").bold().for_stderr();
    console::note(&title.to_string());
    let setup = prepare(&args).await?.to_string();
    let ended = cargo::test("cluster", &filter, &[("CLUSTER_SETUP", &setup)]).await?;
    let failed = ended.failed.len();
    if failed > 0 {
        console::note(&ended.output);
    }
    console::result(format!("{} passed, {failed} failed", ended.passed));
    Ok(ExitCode::from(u8::from(failed > 0 || ended.passed == 0)))
}

/// As `cluster_tests::scenarios::Setup` takes it.
async fn prepare(args: &Args) -> Result<Value> {
    let kubectl = tools::on_path("kubectl").context(
        "kubectl is not on PATH; install it as https://kubernetes.io/docs/tasks/tools says",
    )?;
    let tools = tools::ensure(&["helm3", "helm4"]).await?;
    let git = args.git_push.as_ref().zip(args.git_sync.as_ref());
    Ok(json!({
        "kubectl": kubectl,
        "helm": tools.path("helm3")?,
        "helm4": tools.path("helm4")?,
        "images": images::prepare(args.load.as_deref(), &args.registry, &args.tag).await?,
        "values": values(args.values.as_deref())?,
        "folder": workspace().join("target/e2e"),
        "git": git.map(|(push, sync)| json!({"push": push, "sync": sync})),
        "rate": args.rate,
        "run": Uuid::new_v4().simple().to_string()[..6],
        "keep": args.keep,
    }))
}

/// A value file of the user's, or nothing.
fn values(path: Option<&Path>) -> Result<Value> {
    let Some(path) = path else {
        return Ok(json!({}));
    };
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_norway::from_str(&text).with_context(|| path.display().to_string())
}
