//! Go modules: programs by `go install` and `go build`, sources by `go mod download`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, bail};
use harness::{folder, workspace};
use serde_json::Value;
use tokio::{process::Command, time::timeout};

use super::{LIMIT, needs};
use crate::{
    console::Step,
    tools::{
        cache::Lock,
        command::Work,
        table::{Declaration, Libraries},
    },
};

/// What to build in the folder of a module.
#[derive(Debug)]
pub(super) struct Build<'a> {
    pub(super) module: &'a str,
    pub(super) package: &'a str,
    pub(super) tags: &'a str,
    /// Variables of the program that take the version.
    pub(super) stamps: &'a [&'a str],
    pub(super) libraries: Option<&'a Libraries>,
}

/// `go install <package>@v<version>`.
pub(super) async fn install(
    declaration: &Declaration,
    package: &str,
    lock: &Lock,
    step: &Step,
) -> Result<PathBuf> {
    needs("go", "Go")?;
    let draft = lock.draft(declaration)?;
    let package = format!("{package}@v{}", declaration.version);
    let line = ["go", "install", "-trimpath", "-ldflags", "-s -w", &package];
    let work = Work::new(&draft, &line)
        // Neither this workspace nor somebody's go.work is of interest.
        .env("GOWORK", "off")
        .env("GOBIN", draft.to_string_lossy())
        .env("CGO_ENABLED", "0");
    work.run(&lock.log(declaration)?, LIMIT, step).await?;
    Ok(lock.publish(&draft, declaration)?.join(declaration.name))
}

/// `go build` in the module's own folder, where its `go.mod` with its replacements is in force.
pub(super) async fn build(
    declaration: &Declaration,
    build: &Build<'_>,
    lock: &Lock,
    step: &Step,
) -> Result<PathBuf> {
    needs("go", "Go")?;
    step.detail("downloading the module");
    let mut sources = go_module(build.module, declaration.version, lock.root(), &[]).await?;
    let draft = lock.draft(declaration)?;
    let copy = draft.join("sources");
    if let Some(libraries) = build.libraries {
        let others = go_module(build.module, libraries.version, lock.root(), &[]).await?;
        with_libraries(&sources, &others, libraries.files, &copy)?;
        sources.clone_from(&copy);
    }
    let program = draft.join(declaration.name);
    let mut stamps = "-s -w".to_owned();
    for variable in build.stamps {
        stamps = format!("{stamps} -X {variable}={}", declaration.version);
    }
    let program = program.to_string_lossy();
    let line = [
        "go",
        "build",
        "-trimpath",
        "-buildvcs=false",
        "-tags",
        build.tags,
        "-ldflags",
        &stamps,
    ];
    let line = [&line[..], &["-o", &program, build.package]].concat();
    let work = Work::new(&sources, &line)
        .env("GOWORK", "off")
        .env("CGO_ENABLED", "0");
    work.run(&lock.log(declaration)?, LIMIT, step).await?;
    if build.libraries.is_some() {
        fs::remove_dir_all(&copy)?;
    }
    Ok(lock.publish(&draft, declaration)?.join(declaration.name))
}

/// A copy of a module's sources in which some files are those of another version.
fn with_libraries(sources: &Path, others: &Path, files: &[&str], copy: &Path) -> Result<()> {
    folder::copy(sources, copy)?;
    for file in files {
        // In Go's cache files are read-only, and so are their copies.
        fs::remove_file(copy.join(file)).with_context(|| (*file).to_owned())?;
        fs::copy(others.join(file), copy.join(file)).with_context(|| (*file).to_owned())?;
    }
    Ok(())
}

/// `go build` of a module in `folder` of this workspace, with the versions that its `go.sum` has fixed.
pub(super) async fn build_here(
    declaration: &Declaration,
    folder: &str,
    lock: &Lock,
    step: &Step,
) -> Result<PathBuf> {
    needs("go", "Go")?;
    let draft = lock.draft(declaration)?;
    let program = draft.join(declaration.name);
    let program = program.to_string_lossy();
    let line = [
        "go",
        "build",
        "-trimpath",
        "-buildvcs=false",
        "-mod=readonly",
        "-o",
        &program,
        ".",
    ];
    let work = Work::new(&workspace().join(folder), &line)
        .env("GOWORK", "off")
        .env("CGO_ENABLED", "0");
    work.run(&lock.log(declaration)?, LIMIT, step).await?;
    Ok(lock.publish(&draft, declaration)?.join(declaration.name))
}

/// The folder of a module's sources in Go's own cache; downloads it where `env` does not forbid that. `near` is any
/// folder outside a Go module.
pub(crate) async fn go_module(
    module: &str,
    version: &str,
    near: &Path,
    env: &[(&str, &str)],
) -> Result<PathBuf> {
    let mut command = Command::new("go");
    command
        .args(["mod", "download", "-json"])
        .arg(format!("{module}@v{version}"));
    command.env("GOWORK", "off").envs(env.iter().copied());
    if near.is_dir() {
        command.current_dir(near);
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(LIMIT, command.output())
        .await
        .context("go mod download takes too long")??;
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    if let Some(folder) = answer["Dir"].as_str().filter(|_| output.status.success()) {
        return Ok(folder.into());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    bail!(
        "go mod download {module}@v{version}: {}",
        answer["Error"].as_str().unwrap_or(&stderr).trim()
    )
}
