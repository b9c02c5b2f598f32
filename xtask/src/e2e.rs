//! `cargo xtask e2e`: the product on the cluster that `KUBECONFIG` names, by Helm and by Argo CD.

mod images;
mod leftovers;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use e2e::cluster::{Kubectl, requirements, site};
use e2e::cluster_scenarios::{ALL, Git, Setup};
use e2e::local::workspace;
use uuid::Uuid;

use crate::console::{self, Step, bold};
use crate::test::report::{Report, Selection};
use crate::tools::{self, Tool};
use leftovers::Leftovers;

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
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Leaves the namespaces in place.
    #[arg(long)]
    keep: bool,
    /// Prints the results as one line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    let mut report = Report::new(args.selection.clone()).json(args.json);
    let wanted: Vec<_> = ALL
        .iter()
        .filter(|scenario| report.wants(scenario.name, scenario.promise))
        .collect();
    if args.selection.list {
        return Ok(ExitCode::SUCCESS);
    }
    ensure!(
        !wanted.is_empty(),
        "no scenario has such a name; --list shows them"
    );
    let setup = prepare(&args, wanted.iter().any(|it| it.name.contains("argocd"))).await?;
    let leftovers = Leftovers::of(&setup);
    for scenario in wanted {
        let run = async || {
            (scenario.run)(setup.clone())
                .await
                .with_context(|| format!("promised: {}", scenario.promise))
        };
        report.check(scenario.name, scenario.promise, run).await;
    }
    leftovers.none();
    Ok(report.end())
}

async fn prepare(args: &Args, argocd: bool) -> Result<Setup> {
    if !e2e::cluster::is_named() {
        bail!(
            "KUBECONFIG is not set, so the cluster part was not run. It takes any cluster with Dapr 1.18.3, for example one of \
             kind: README, `The same promises on your cluster`"
        );
    }
    console::note(&bold("\nThe chart on a cluster\n"));
    let git = args.git_push.clone().zip(args.git_sync.clone());
    if argocd && git.is_none() {
        bail!(
            "the part with Argo CD needs a repository: give --git-push and --git-sync, or leave it out with --skip argocd"
        );
    }
    let kubectl = tools::on_path("kubectl").context(
        "kubectl is not on PATH; install it as https://kubernetes.io/docs/tasks/tools says",
    )?;
    let tools = tools::ensure(&[Tool::Helm3, Tool::Helm4]).await?;

    let step = Step::start("cluster");
    let found = requirements::check(&Kubectl::new(&kubectl, "default"), argocd).await?;
    step.done(&found);
    let images = images::prepare(args.load.as_deref(), &args.registry, &args.tag).await?;
    Ok(Setup {
        kubectl,
        helm: tools.path(Tool::Helm3)?.to_owned(),
        helm4: tools.path(Tool::Helm4)?.to_owned(),
        images,
        values: site::values_file(args.values.as_deref())?,
        folder: workspace().join("target/e2e"),
        git: git.map(|(push, sync)| Git { push, sync }),
        run: Uuid::new_v4().simple().to_string()[..6].to_owned(),
        keep: args.keep,
    })
}
