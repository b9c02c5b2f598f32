//! `cargo xtask release`: from a commit to signed images and a signed chart, in steps that a workflow runs one by one, or all of
//! them on this machine (`--dry-run`).
//!
//! | module | holds |
//! |---|---|
//! | [`check`] | what must be so before anything is built |
//! | [`build`] | one architecture: images, and what is in them |
//! | [`set`] | the folder between building and publishing |
//! | [`publish`] | the order in which things become visible |
//! | [`index`], [`chart`] | what is published, made of the set |
//! | [`sbom`], [`provenance`] | what is said about it |
//! | [`signer`], [`registry`] | cosign, and registries |
//! | [`front`] | what goes wrong at a registry of ours |
//! | [`record`], [`report`] | what was published, for programs and for people |
//! | [`readme`], [`verify`], [`cluster`] | the verification, by README's own commands |
//! | [`dry_run`], [`tamper`] | all of it here, and what must be refused |

mod build;
mod chart;
mod check;
mod cluster;
mod dry_run;
mod front;
mod index;
mod provenance;
mod publish;
mod readme;
pub(crate) mod record;
mod registry;
mod report;
mod sbom;
mod set;
mod signer;
mod tamper;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::image::architecture::Architecture;
use crate::image::source::Source;
use crate::tools;
use harness::console;
use publish::Publication;
use set::Set;
use signer::{Identity, Signer};
use verify::{Claim, Trust};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    step: Option<Step>,
    /// Does everything on this machine: a registry on loopback, a key that is thrown away, verification, tampering.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    options: dry_run::Options,
}

#[derive(Debug, clap::Subcommand)]
enum Step {
    /// Whether this commit can be released: tag, version, tree, changelog.
    Check {
        /// The tag that is to be released.
        #[arg(long)]
        tag: Option<String>,
    },
    /// Builds images and SBOMs of one architecture, or of all.
    Build {
        /// Which; without it, all.
        #[arg(long)]
        arch: Option<Architecture>,
        /// Where they go.
        #[arg(long, value_name = "FOLDER", default_value_os_t = set::folder())]
        folder: PathBuf,
    },
    /// Publishes what was built: by digest, signed, attested, and then by tag.
    Publish {
        /// What stands before the images' names.
        #[arg(long, value_name = "HOST/PATH", value_parser = registry::place)]
        registry: String,
        /// Where `build` has put everything.
        #[arg(long, value_name = "FOLDER", default_value_os_t = set::folder())]
        folder: PathBuf,
        /// A private key of cosign's, its password in `COSIGN_PASSWORD`. Without it: keyless, as the workflow that this runs in.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Verifies a release by README's commands.
    Verify {
        /// Without it: this workspace's.
        #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
        version: String,
        /// The repository on GitHub whose release workflow is trusted.
        #[arg(
            long,
            value_name = "OWNER/NAME",
            conflicts_with = "key",
            required_unless_present = "key"
        )]
        repository: Option<String>,
        /// The public key that is trusted.
        #[arg(long, value_name = "FILE", requires = "registry")]
        key: Option<PathBuf>,
        /// What stands before the images' names; without it, where the repository publishes.
        #[arg(long, value_name = "HOST/PATH", value_parser = registry::place)]
        registry: Option<String>,
        /// Installs it, too, on the cluster that KUBECONFIG names, and removes it again.
        #[arg(long)]
        install: bool,
    },
}

/// For one step of a verification over a slow line.
const PATIENCE: Duration = Duration::from_mins(5);

pub(crate) async fn run(args: Args) -> Result<ExitCode> {
    match args.step {
        None if args.dry_run => dry_run::run(&args.options).await?,
        None => bail!("nothing to do: say --dry-run, or one of the steps that --help lists"),
        Some(Step::Check { tag }) => {
            let source = Source::read().await?;
            check::whole(&source, tag.as_deref()).await?;
            console::result(format!(
                "{} can be released from {}",
                source.version, source.revision
            ));
        }
        Some(Step::Build { arch, folder }) => {
            let source = Source::read().await?;
            let all = arch.map_or_else(|| Architecture::ALL.to_vec(), |arch| vec![arch]);
            for architecture in all {
                build::part(&source, architecture, &folder).await?;
            }
        }
        Some(Step::Publish {
            registry,
            folder,
            key,
        }) => publish(&registry, &folder, key).await?,
        Some(Step::Verify {
            version,
            repository,
            key,
            registry,
            install,
        }) => {
            let tools = tools::ensure(&verify::TOOLS).await?;
            let trust = match (key, repository) {
                (Some(key), _) => Trust::Key(key),
                (None, Some(repository)) => Trust::Repository(repository),
                (None, None) => bail!("say whom to trust: --repository or --key"),
            };
            let claim = Claim {
                tools: &tools,
                registry,
                version,
                trust,
                folder: verify::folder(),
                patience: PATIENCE,
            };
            claim.verify().await?;
            if install {
                cluster::install(&claim).await?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn publish(registry: &str, folder: &PathBuf, key: Option<PathBuf>) -> Result<()> {
    let source = Source::read().await?;
    check::check(&source, None)?;
    let set = Set::read(folder, &source)?;
    let tools = tools::ensure(&publish::TOOLS).await?;
    let identity = key.map_or(Identity::Keyless, Identity::Key);
    let publication = Publication {
        tools: &tools,
        source: &source,
        set: &set,
        registry,
        signer: &Signer::new(tools.path(tools::Tool::Cosign)?, identity),
        folder,
        patience: PATIENCE,
        aloud: true,
    };
    report::print(&publication.run().await?);
    Ok(())
}
