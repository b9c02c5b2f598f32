//! Static binaries that are the same wherever they are built, laid out as the Dockerfile wants its context.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use harness::workspace;

use super::architecture::Architecture;
use super::elf;
use super::source::Service;
use crate::cargo;
use crate::tools::{self, Tool};
use harness::console::Step;

/// How binaries are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Profile {
    Dev,
    Release,
}

/// The build context, and the architecture in it.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) folder: PathBuf,
    pub(super) architecture: Architecture,
}

/// A folder of this machine, and what binaries call it instead.
type Renamed = (PathBuf, &'static str);

/// What compiles and links for an architecture, whatever this machine is.
#[derive(Debug)]
pub(super) struct Toolchain {
    architecture: Architecture,
    auditable: PathBuf,
    /// Where cargo finds zig.
    path: OsString,
}

impl Toolchain {
    /// Installs what is missing of it.
    pub(super) async fn ensure(architecture: Architecture) -> Result<Self> {
        let tools = tools::ensure(&[Tool::Zigbuild, Tool::CargoAuditable]).await?;
        let zig = tools.path(Tool::Zigbuild)?.parent().map(PathBuf::from);
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(zig.into_iter().chain(env::split_paths(&path)))?;
        let target = architecture.target();
        let std = cargo::sysroot().await?.join("lib/rustlib").join(target);
        if !std.is_dir() {
            let step = Step::start(format!("rustup target add {target}"));
            cargo::rustup(&["target", "add", target]).await?;
            step.done("");
        }
        Ok(Self {
            architecture,
            auditable: tools.path(Tool::CargoAuditable)?.to_owned(),
            path,
        })
    }

    /// Builds the services and copies them into the context.
    pub(super) async fn build(&self, services: &[Service], profile: Profile) -> Result<Context> {
        let target = self.architecture.target();
        // Of its own: other flags would rebuild everything, and other commands would then do the same. And one for each
        // architecture, so that both can be built at once.
        let folder = format!("target/static/{}", self.architecture);
        let target_dir = workspace().join(folder);
        let renamed = renamed().await?;
        let target_dir_text = target_dir.to_string_lossy();
        let mut line = vec!["auditable", "zigbuild", "--locked", "--bins"];
        line.extend(["--target", target, "--target-dir", &target_dir_text]);
        if profile == Profile::Release {
            line.push("--release");
        }
        for service in services {
            line.extend(["--package", &service.name]);
        }
        let flags = flags(&renamed);
        let environment = [
            ("PATH", self.path.clone()),
            // Wins over every other source of flags, a user's own configuration included.
            ("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f").into()),
            ("CFLAGS", c_flags(&renamed).into()),
            ("CARGO_INCREMENTAL", "0".into()),
            // The allocator is C and says when it was compiled; so it always says the same.
            ("SOURCE_DATE_EPOCH", "0".into()),
        ];
        cargo::run_as(&self.auditable, &line, &environment)
            .await
            .with_context(|| format!("building static binaries for {target}"))?;
        let built = target_dir.join(target).join(match profile {
            Profile::Dev => "debug",
            Profile::Release => "release",
        });
        self.collect(services, &built, &renamed)
    }

    fn collect(&self, services: &[Service], built: &Path, renamed: &[Renamed]) -> Result<Context> {
        let context = Context {
            folder: workspace().join("target/images/context"),
            architecture: self.architecture,
        };
        let folder = context.folder.join(self.architecture.to_string());
        fs::create_dir_all(&folder)?;
        for service in services {
            let binary = fs::read(built.join(&service.name))
                .with_context(|| format!("cargo built no {}", service.name))?;
            inspect(&binary, self.architecture, renamed).with_context(|| service.name.clone())?;
            let path = folder.join(&service.name);
            fs::write(&path, binary)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
        Ok(context)
    }
}

fn flags(renamed: &[Renamed]) -> Vec<String> {
    let remap = |(path, name): &Renamed| format!("--remap-path-prefix={}={name}", path.display());
    renamed.iter().map(remap).collect()
}

fn c_flags(renamed: &[Renamed]) -> String {
    let map = |(path, name): &Renamed| format!("-ffile-prefix-map={}={name}", path.display());
    renamed.iter().map(map).collect::<Vec<_>>().join(" ")
}

/// Panics, logs and debug information name source files; where these lie differs from machine to machine.
async fn renamed() -> Result<Vec<Renamed>> {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    Ok(vec![
        (workspace(), "/src"),
        (
            cargo_home.context("neither CARGO_HOME nor HOME is set")?,
            "/cargo",
        ),
        // The standard library's sources, where the toolchain has them.
        (cargo::sysroot().await?, "/rust"),
    ])
}

/// Refuses what would not start in an empty image, or would not be the same when built elsewhere.
fn inspect(binary: &[u8], architecture: Architecture, renamed: &[Renamed]) -> Result<()> {
    ensure!(
        elf::is_static(binary)?,
        "the binary is not static and would not start in an empty image"
    );
    ensure!(
        elf::machine(binary)? == architecture.machine(),
        "the binary is not for {architecture}"
    );
    for (path, _) in renamed {
        let path = path.to_string_lossy();
        ensure!(
            !contains(binary, path.as_bytes()),
            "the binary contains the path {path}, so the same sources give another binary elsewhere"
        );
    }
    Ok(())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_binary_is_found() {
        assert!(contains(b"..\0/home/me/src/lib.rs\0", b"/home/me"));
        assert!(!contains(b"..\0/src/lib.rs\0", b"/home/me"));
        assert!(inspect(b"#!/bin/sh", Architecture::HERE, &[]).is_err());
    }
}
