//! All of a release on this machine: into a registry on loopback, signed with a key that is thrown away, verified, and verified again
//! after each way of tampering with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use harness::command::output;
use harness::workspace;
use tokio::process::Command;

use super::registry::Local;
use super::set::Set;
use super::signer::{Identity, Signer};
use super::verify::{Claim, Trust};
use super::{build, check, cluster, publish, report, set, tamper, verify};
use crate::image::architecture::Architecture;
use crate::image::source::Source;
use crate::tools::{self, Tool, Tools};
use harness::console::{self, Step, bold};

/// Nothing on loopback takes longer.
const PATIENCE: Duration = Duration::from_mins(2);

/// Options that go with `--dry-run`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Options {
    /// Where the registry listens on 127.0.0.1; without it, on a free port. For nodes that reach it there.
    #[arg(long, value_name = "PORT", requires = "dry_run")]
    port: Option<u16>,
    /// Takes the working tree as it is, though it is not what the commit says.
    #[arg(long, requires = "dry_run")]
    allow_dirty: bool,
    /// Leaves out the cluster, though KUBECONFIG names one.
    #[arg(long, requires = "dry_run")]
    no_install: bool,
}

pub(super) async fn run(options: &Options) -> Result<()> {
    let started = Instant::now();
    console::note(&bold("A release, on this machine and for nobody\n"));
    let source = Source::read().await?;
    if !options.allow_dirty {
        check::check(&source, None)?;
    }
    let wanted: Vec<_> = publish::TOOLS.into_iter().chain(verify::TOOLS).collect();
    let tools = tools::ensure(&wanted).await?;
    let folder = set::folder();
    for architecture in Architecture::ALL {
        build::part(&source, architecture, &folder).await?;
    }
    let set = Set::read(&folder, &source)?;

    let registry = workspace().join("target/release-registry");
    let registry = Local::start(tools.path(Tool::Crane)?, &registry, options.port).await?;
    let key = throwaway(&tools, &folder).await?;
    let publication = publish::Publication {
        tools: &tools,
        source: &source,
        set: &set,
        registry: &format!("{}/task-pubsub", registry.address()),
        signer: &Signer::new(
            tools.path(Tool::Cosign)?,
            Identity::Key(key.join("cosign.key")),
        ),
        folder: &folder,
        patience: PATIENCE,
        aloud: true,
    };
    let record = publication.run().await?;

    console::note(&bold(
        "\nVerified by the commands of README, from the registry and the public key\n",
    ));
    let claim = Claim {
        tools: &tools,
        registry: Some(record.registry.clone()),
        version: source.version.clone(),
        trust: Trust::Key(key.join("cosign.pub")),
        folder: verify::folder(),
        patience: PATIENCE,
    };
    let mut passed = claim.verify().await?;
    if !options.no_install && harness::kubectl::is_named() {
        passed += cluster::install(&claim).await?;
    }

    console::note(&bold("\nVerified again, after somebody has been at it\n"));
    passed += tamper::all(&tamper::Victim {
        tools: &tools,
        registry: &registry,
        record: &record,
        claim: &claim,
        publication: &publication,
        key: &key,
    })
    .await?;
    report::print(&record);
    let seconds = started.elapsed().as_secs_f32();
    console::note(&format!(
        "\nReleased to nobody in {seconds:.0} s; everything is in {}",
        folder.display()
    ));
    console::result(format!("{passed} passed, 0 failed"));
    Ok(())
}

/// A key pair without a password, in a folder of its own.
pub(super) async fn throwaway(tools: &Tools, folder: &Path) -> Result<PathBuf> {
    let step = Step::start("throwaway key");
    let folder = folder.join("key");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    pair(tools, &folder).await?;
    step.done("");
    Ok(folder)
}

/// Makes `cosign.key` and `cosign.pub` in a folder.
pub(super) async fn pair(tools: &Tools, folder: &Path) -> Result<()> {
    let mut command = Command::new(tools.path(Tool::Cosign)?);
    command.arg("generate-key-pair").current_dir(folder);
    command.env("COSIGN_PASSWORD", "");
    let made = output(command, PATIENCE, "").await;
    made.context("cosign generate-key-pair").map(drop)
}
