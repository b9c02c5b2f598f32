//! Installs a tool by its ordinary package manager, completely or not at all.

mod go;
mod krate;
mod maven;
mod python;
mod system;

use std::{
    io::{IsTerminal as _, stderr},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};

use super::{
    Found, Origin,
    cache::Lock,
    find,
    table::{Declaration, Install, Tool},
};
use harness::console::{self, Step};

pub(crate) use go::go_module;

/// No single command of an installation may take longer, however slow the machine.
const LIMIT: Duration = Duration::from_mins(40);

/// Installs what is missing.
pub(crate) async fn install(tool: Tool, lock: &Lock) -> Result<Found> {
    let declaration = tool.declaration();
    let title = declaration.title();
    for remark in find::unusable(declaration).await {
        console::note(&format!("  {remark}"));
    }
    let step = begin(&format!("installing {title}{}", hint(declaration)));
    match found_after(tool, declaration, lock, &step).await {
        Ok(found) => {
            step.done(&found.path.display().to_string());
            Ok(found)
        }
        // On top stands what is missing, at the end what to do about it.
        Err(error) => bail!(
            "{title} is missing and cannot be installed: {error:#}\nTo go on without that, {}.",
            declaration.by_hand
        ),
    }
}

/// A step that says at its start what is going to take so long, also where there is no terminal.
pub(crate) fn begin(title: &str) -> Step {
    if !stderr().is_terminal() {
        console::note(&format!("  {title}"));
    }
    Step::start(title)
}

async fn found_after(
    tool: Tool,
    declaration: &Declaration,
    lock: &Lock,
    step: &Step,
) -> Result<Found> {
    if let Some(path) = by_its_manager(declaration, lock, step).await? {
        let version = declaration.version.to_owned();
        return Ok(Found {
            version,
            origin: Origin::Installed,
            path,
        });
    }
    // Installed somewhere that only a new search tells.
    let found = find::find(tool, lock)
        .await
        .context("it was installed, but it is not found")?;
    Ok(Found {
        origin: Origin::Installed,
        ..found
    })
}

fn hint(declaration: &Declaration) -> String {
    let command = match declaration.install {
        Install::GoProgram { .. } => "go install",
        Install::GoProgramOfModule { .. } | Install::GoProgramHere { .. } => "go build",
        Install::GoSources { .. } => "go mod download",
        Install::SystemPackage { .. } => "apt-get install",
        Install::MavenJars { .. } => "mvn",
        Install::PythonPackages { .. } => "pip install",
        Install::Crate => "cargo install",
        Install::ByHand => return String::new(),
    };
    format!(" ({command}, {})", declaration.takes)
}

/// The path of what was installed; `None` when the system knows where.
async fn by_its_manager(
    declaration: &Declaration,
    lock: &Lock,
    step: &Step,
) -> Result<Option<PathBuf>> {
    match &declaration.install {
        Install::GoProgram { package } => go::install(declaration, package, lock, step)
            .await
            .map(Some),
        Install::GoProgramOfModule {
            module,
            package,
            tags,
            stamps,
            libraries,
        } => {
            let build = go::Build {
                module,
                package,
                tags,
                stamps,
                libraries: *libraries,
            };
            go::build(declaration, &build, lock, step).await.map(Some)
        }
        Install::GoProgramHere { folder } => go::build_here(declaration, folder, lock, step)
            .await
            .map(Some),
        Install::GoSources { module } => {
            needs("go", "Go")?;
            go_module(module, declaration.version, lock.root(), &[])
                .await
                .map(Some)
        }
        Install::MavenJars { artifacts } => maven::install(declaration, artifacts, lock, step)
            .await
            .map(Some),
        Install::PythonPackages { packages, program } => {
            python::install(declaration, packages, program, lock, step)
                .await
                .map(Some)
        }
        Install::Crate => krate::install(declaration, lock, step).await.map(Some),
        Install::SystemPackage { package } => system::install(declaration, package, lock, step)
            .await
            .map(|()| None),
        Install::ByHand => bail!("it is not there"),
    }
}

fn needs(command: &str, name: &str) -> Result<()> {
    ensure!(
        find::on_path(command).is_some(),
        "{name} (`{command}`) is not on PATH"
    );
    Ok(())
}
