//! `cargo xtask image`: one image per service, from a static binary, the same digest wherever it is built.
//!
//! | module | holds |
//! |---|---|
//! | [`source`] | which commit this is, and what the workspace says of its services |
//! | [`binaries`] | static binaries that carry no path of this machine |
//! | [`elf`] | whether a binary is static |
//! | [`pack`] | buildah: image, archive, digest |

mod binaries;
mod elf;
mod pack;
mod source;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use e2e::local::workspace;
use serde::Serialize;

use crate::console::{self, Step, bold};
use crate::tools::{self, Tool};

use source::Source;

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
    /// What the binaries are built for: a glibc or musl target of Linux that this machine can link for.
    #[arg(long, value_name = "TRIPLE", default_value_t = format!("{}-unknown-linux-gnu", std::env::consts::ARCH))]
    target: String,
    /// Makes each image a second time, from nothing, and fails unless it has the same digest.
    #[arg(long)]
    check: bool,
    /// Prints one line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// How binaries are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Profile {
    Dev,
    Release,
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
        let mib = |bytes: u64| format!("{}.{} MiB", bytes >> 20, ((bytes & 0xf_ffff) * 10) >> 20);
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
    let buildah = tools::ensure(&[Tool::Buildah]).await?;
    let buildah = buildah.path(Tool::Buildah)?;
    let source = Source::read().await?;
    for name in &args.services {
        ensure!(
            source.services.iter().any(|service| service.name == *name),
            "--service {name}: there is no service of that name in `services`"
        );
    }
    let wanted = |name: &String| args.services.is_empty() || args.services.contains(name);
    let services = source.services.iter().filter(|it| wanted(&it.name));
    let services: Vec<_> = services.cloned().collect();

    let step = Step::start("static binaries");
    // All of them, always: which services are built together decides with which features their common libraries are
    // built, and so what comes out.
    let context = binaries::build(&source.services, &args.target, args.profile).await?;
    step.done(&args.target);

    let mut images = Vec::new();
    for service in &services {
        let step = Step::start(format!("image {}", service.name));
        let order = pack::Order {
            buildah,
            context: &context,
            service,
            source: &source,
            name: name(args, &service.name, &source.version),
            folder: &args.archive,
        };
        let image = order.image().await?;
        if args.check {
            let again = order.image().await?.digest;
            ensure!(
                again == image.digest,
                "{}: the same binary gave {} and then {again}; something that changes from run to run has come into the image",
                image.name,
                image.digest
            );
        }
        step.done(&image.digest);
        images.push(image);
    }
    Ok(images)
}

fn name(args: &Args, service: &str, version: &str) -> String {
    let tag = args.tag.as_deref().unwrap_or(version);
    match args.registry.as_deref().map(|it| it.trim_end_matches('/')) {
        Some(registry) if !registry.is_empty() => format!("{registry}/{service}:{tag}"),
        _ => format!("{service}:{tag}"),
    }
}
