//! Static binaries that are the same wherever they are built, laid out as the Dockerfile wants its context.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use e2e::local::workspace;

use super::source::Service;
use super::{Profile, elf};
use crate::cargo;

/// The build context, and the architecture in it.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) folder: PathBuf,
    pub(super) architecture: &'static str,
}

/// A folder of this machine, and what binaries call it instead.
type Renamed = (PathBuf, &'static str);

/// Builds the services and copies them into the context.
pub(super) async fn build(services: &[Service], target: &str, profile: Profile) -> Result<Context> {
    let architecture = architecture(target)?;
    // Of its own: other flags would rebuild everything, and other commands would then do the same.
    let target_dir = workspace().join("target/static");
    let renamed = renamed().await?;
    let target_dir_text = target_dir.to_string_lossy();
    let mut line = vec!["build", "--locked", "--bins"];
    line.extend(["--target", target, "--target-dir", &target_dir_text]);
    if profile == Profile::Release {
        line.push("--release");
    }
    for service in services {
        line.extend(["--package", &service.name]);
    }
    let flags = flags(&renamed);
    let environment = [
        // Wins over every other source of flags, a user's own configuration included.
        ("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")),
        ("CFLAGS", c_flags(&renamed)),
        ("CARGO_INCREMENTAL", "0".to_owned()),
        // The allocator is C and says when it was compiled; so it always says the same.
        ("SOURCE_DATE_EPOCH", "0".to_owned()),
    ];
    cargo::run_with(&line, &environment)
        .await
        .with_context(|| format!("building static binaries for {target}"))?;

    let built = target_dir.join(target).join(match profile {
        Profile::Dev => "debug",
        Profile::Release => "release",
    });
    let context = Context {
        folder: workspace().join("target/images/context"),
        architecture,
    };
    let folder = context.folder.join(architecture);
    fs::create_dir_all(&folder)?;
    for service in services {
        let binary = fs::read(built.join(&service.name))
            .with_context(|| format!("cargo built no {}", service.name))?;
        inspect(&binary, &renamed).with_context(|| service.name.clone())?;
        let path = folder.join(&service.name);
        fs::write(&path, binary)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(context)
}

/// Docker's name for the architecture of a target.
fn architecture(target: &str) -> Result<&'static str> {
    ensure!(
        target.contains("-linux-"),
        "--target {target}: containers run Linux; name a target such as x86_64-unknown-linux-gnu"
    );
    match target.split('-').next() {
        Some("x86_64") => Ok("amd64"),
        Some("aarch64") => Ok("arm64"),
        _ => bail!("--target {target}: images are made for x86_64 and aarch64"),
    }
}

fn flags(renamed: &[Renamed]) -> Vec<String> {
    let mut flags = vec![
        "-Ctarget-feature=+crt-static".to_owned(),
        // The usual way to the system's random numbers looks the function up by name, which a static glibc does not support;
        // what it then falls back to, /dev/urandom, is not in every root.
        "--cfg".to_owned(),
        "getrandom_backend=\"linux_getrandom\"".to_owned(),
    ];
    let remap = |(path, name): &Renamed| format!("--remap-path-prefix={}={name}", path.display());
    flags.extend(renamed.iter().map(remap));
    flags
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
fn inspect(binary: &[u8], renamed: &[Renamed]) -> Result<()> {
    ensure!(
        elf::is_static(binary)?,
        "the binary is not static and would not start in an empty image"
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
    fn targets_have_dockers_names() {
        assert_eq!(architecture("x86_64-unknown-linux-gnu").unwrap(), "amd64");
        assert_eq!(architecture("aarch64-unknown-linux-musl").unwrap(), "arm64");
        assert!(architecture("x86_64-apple-darwin").is_err());
        assert!(architecture("riscv64gc-unknown-linux-gnu").is_err());
    }

    #[test]
    fn a_path_in_a_binary_is_found() {
        assert!(contains(b"..\0/home/me/src/lib.rs\0", b"/home/me"));
        assert!(!contains(b"..\0/src/lib.rs\0", b"/home/me"));
        assert!(inspect(b"#!/bin/sh", &[]).is_err());
    }
}
