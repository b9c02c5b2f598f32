//! `cargo xtask image`: one image per service, from a static binary, the same digest wherever it is built.
//!
//! | module | holds |
//! |---|---|
//! | [`source`] | which commit this is, and what the workspace says of its services |
//! | [`architecture`] | what binaries and images are made for |
//! | [`binaries`] | static binaries that carry no path of this machine |
//! | [`elf`] | whether a binary is static, and for which processor |
//! | [`pack`] | buildah: image, archive, digest |
//! | [`store`] | a place for buildah to work in |

pub(crate) mod architecture;
mod binaries;
mod elf;
mod pack;
pub(crate) mod source;
pub(crate) mod store;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use harness::workspace;
use serde::Serialize;

use crate::tools::{self, Tool};
use harness::console::{self, Step, bold, mib};

use architecture::Architecture;
pub(crate) use binaries::Profile;
use pack::Order;
pub(crate) use pack::Packed;
use source::{Service, Source};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Only this service; may be given several times. Without it: everything in `services`.
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    /// The images' tag. Without it: the workspace's version, which is the chart's default too.
    #[arg(long)]
    tag: Option<String>,
    /// The registry in the images' names, as in the chart's `image.registry`.
    #[arg(long, value_name = "HOST/PATH")]
    registry: Option<String>,
    /// Where the archives go, `<service>.tar` each.
    #[arg(long, value_name = "FOLDER", default_value_os_t = workspace().join("target/images"))]
    archive: PathBuf,
    /// How the binaries are built; `dev` is quicker to build, larger and slower.
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    profile: Profile,
    /// Which processors the images are for. Without it: this machine's.
    #[arg(long, value_enum, default_value_t = Architecture::HERE)]
    arch: Architecture,
    /// Makes each image a second time, from nothing, and fails unless it has the same digest.
    #[arg(long)]
    check: bool,
    /// Prints one line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// An image that was made.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Image {
    /// Such as `task-api`.
    pub(crate) service: String,
    /// With registry and tag.
    pub(crate) name: String,
    /// Of the manifest, as a registry shows it after a push by the same buildah.
    pub(crate) digest: String,
    /// What a registry keeps and a node pulls.
    pub(crate) compressed_bytes: u64,
    /// What a node's disk holds.
    pub(crate) bytes: u64,
    /// In `docker save` form, which docker, podman, kind and containerd load.
    pub(crate) archive: PathBuf,
    /// The commit, with `-dirty` when the files are not exactly that.
    pub(crate) revision: String,
}

pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    let images = build(args).await?;
    if args.json {
        console::result(serde_json::to_string(&images)?);
        return Ok(ExitCode::SUCCESS);
    }
    for image in &images {
        console::result(format!(
            "{}\n  {}\n  {} compressed, {} on disk, {}",
            bold(&image.name),
            image.digest,
            mib(image.compressed_bytes),
            mib(image.bytes),
            image.archive.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the binaries and from each its image.
pub(crate) async fn build(args: &Args) -> Result<Vec<Image>> {
    let source = Source::read().await?;
    for name in &args.services {
        ensure!(
            source.services.iter().any(|service| service.name == *name),
            "--service {name}: there is no service of that name in `services`"
        );
    }
    let wanted = |it: &&Service| args.services.is_empty() || args.services.contains(&it.name);
    let workshop = Workshop::set_up(&source, args.arch, args.profile).await?;
    let mut images = Vec::new();
    for service in source.services.iter().filter(wanted) {
        let step = Step::start(format!("image {}", service.name));
        let order = workshop.order(service);
        let name = name(args, &service.name, &source.version);
        let image = order.archive(&name, &args.archive).await?;
        if args.check {
            order.again(&image.digest).await?;
        }
        step.done(&image.digest);
        images.push(image);
    }
    Ok(images)
}

/// What all images of an architecture are made with.
pub(crate) struct Workshop<'a> {
    buildah: PathBuf,
    context: binaries::Context,
    source: &'a Source,
}

impl<'a> Workshop<'a> {
    /// Builds the binaries. All of them, always: which services are built together decides with which features their common
    /// libraries are built, and so what comes out.
    pub(crate) async fn set_up(
        source: &'a Source,
        architecture: Architecture,
        profile: Profile,
    ) -> Result<Self> {
        let buildah = tools::ensure(&[Tool::Buildah]).await?;
        let buildah = buildah.path(Tool::Buildah)?.to_owned();
        let toolchain = binaries::Toolchain::ensure(architecture).await?;
        let step = Step::start(format!("static binaries {architecture}"));
        let context = toolchain.build(&source.services, profile).await?;
        step.done(architecture.target());
        Ok(Self {
            buildah,
            context,
            source,
        })
    }

    /// One image to be made.
    pub(crate) fn order<'b>(&'b self, service: &'b Service) -> Order<'b> {
        Order {
            buildah: &self.buildah,
            context: &self.context,
            service,
            source: self.source,
        }
    }
}

fn name(args: &Args, service: &str, version: &str) -> String {
    let tag = args.tag.as_deref().unwrap_or(version);
    match args.registry.as_deref().map(|it| it.trim_end_matches('/')) {
        Some(registry) if !registry.is_empty() => format!("{registry}/{service}:{tag}"),
        _ => format!("{service}:{tag}"),
    }
}
