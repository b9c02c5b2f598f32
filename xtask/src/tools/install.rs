//! Installs a tool by its package client, completely or not at all: one function per client.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use harness::{console::Step, workspace};
use serde_json::Value;
use tokio::process::Command;

use super::{
    Found, cache, find,
    table::{Client, Recipe},
};
use crate::{
    logged,
    pins::{self, pin},
};

/// What every `go` gets: neither this workspace nor somebody's go.work is of interest, programs need no C library, what the linker would
/// strip need not be compiled (a third of the time), and clients of clouds and clusters, most of all that there is, need no optimisation.
const GO: [(&str, &str); 3] = [
    ("GOWORK", "off"),
    ("CGO_ENABLED", "0"),
    (
        "GOFLAGS",
        "-trimpath -gcflags=all=-dwarf=false '-gcflags=k8s.io/...=-dwarf=false -N -l' '-gcflags=sigs.k8s.io/...=-dwarf=false -N -l' \
         '-gcflags=cloud.google.com/...=-dwarf=false -N -l' '-gcflags=github.com/aws/...=-dwarf=false -N -l'",
    ),
];

/// One installation. It fills `draft`, which then gets the name of the tool's folder.
struct Installation<'a> {
    recipe: &'a Recipe,
    version: String,
    draft: PathBuf,
    log: PathBuf,
    step: &'a Step,
}

/// Installs what is missing; its caller has locked the cache. On top of the error stands what is missing, at its end what to do about it.
pub(crate) async fn install(recipe: &Recipe, root: &Path) -> Result<Found> {
    by_client(recipe, root).await.map_err(|error| {
        let (title, by_hand) = (recipe.title(), recipe.by_hand());
        anyhow!("{title} is missing and cannot be installed: {error:#}\nTo go on without that, {by_hand}.")
    })
}

async fn by_client(recipe: &Recipe, root: &Path) -> Result<Found> {
    let client = recipe.install.as_ref();
    let client = client.context("no package client installs it")?;
    let command = client.command();
    ensure!(
        find::on_path(command).is_some(),
        "`{command}` is not on PATH"
    );
    let step = Step::announce(format!("{} by {command}", recipe.title()));
    let it = Installation {
        recipe,
        version: recipe.version(),
        draft: cache::drafts(root).join(recipe.folder()),
        log: root.join("logs").join(recipe.folder() + ".log"),
        step: &step,
    };
    let _ = fs::remove_file(&it.log);
    fs::create_dir_all(&it.draft).with_context(|| it.draft.display().to_string())?;
    match client {
        Client::Go(package) => it.go(package).await?,
        Client::GoModule {
            module,
            package,
            components,
        } => it.go_module(module, package, components).await?,
        Client::GoHere(folder) => it.go_here(&workspace().join(folder), ".", &[]).await?,
        Client::GoSources(module) => drop(go_module(module, &it.version, root, &[]).await?),
        Client::Apt(package) => it.apt(package).await?,
        Client::Cargo(package) => it.cargo(package).await?,
        Client::Pip(packages) => it.pip(packages).await?,
        Client::Npm(package) => it.npm(package).await?,
        Client::Maven(artifacts) => it.maven(artifacts).await?,
    }
    // Empty of what is in Go's own cache or where the system puts it.
    if fs::remove_dir(&it.draft).is_err() {
        fs::rename(&it.draft, root.join(recipe.folder()))
            .context("cannot move it into the cache")?;
    }
    let found = find::find(recipe, root).await;
    let found = found.map_err(|remarks| anyhow!("it was installed, but does not run{remarks}"))?;
    step.done(&found.path.display().to_string());
    Ok(Found::new(found.path, found.version, "installed"))
}

impl Installation<'_> {
    async fn run(
        &self,
        line: &[impl AsRef<str>],
        folder: &Path,
        env: &[(&str, &str)],
    ) -> Result<()> {
        logged::run(line, folder, env, &self.log, self.step).await
    }

    async fn go(&self, package: &str) -> Result<()> {
        let package = format!("{package}@v{}", self.version);
        let line = ["go", "install", "-ldflags=-s -w", &package];
        let draft = self.draft.to_string_lossy();
        let env = [&GO[..], &[("GOBIN", &*draft)]].concat();
        self.run(&line, &self.draft, &env).await
    }

    /// In a folder of its own or in a module's, whose `go.mod` is then in force.
    async fn go_here(&self, folder: &Path, package: &str, flags: &[&str]) -> Result<()> {
        let program = self.draft.join(&self.recipe.name);
        let output = format!("-o={}", program.display());
        let line = ["go", "build", "-buildvcs=false", &output];
        let line = [&line[..], flags, &[package]].concat();
        self.run(&line, folder, &GO).await
    }

    async fn go_module(&self, module: &str, package: &str, components: &[String]) -> Result<()> {
        let version = &self.version;
        let sources = go_module(module, version, &self.draft, &[]).await?;
        if components.is_empty() {
            return self.go_here(&sources, package, &["-ldflags=-s -w"]).await;
        }
        // daprd in a copy that has only these components, with the libraries that `pins.yaml` tells of.
        let libraries = go_module(module, pin("dapr-libraries"), &self.draft, &[]).await?;
        let copy = self.draft.join("sources");
        copy_folder(&sources, &copy)?;
        for file in ["go.mod", "go.sum"] {
            // In Go's cache files are read-only, and so are their copies.
            fs::remove_file(copy.join(file))?;
            fs::copy(libraries.join(file), copy.join(file))?;
        }
        let folder = copy.join(package).join("components");
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            if !components
                .iter()
                .any(|it| *entry.file_name() == *format!("{it}.go"))
            {
                fs::remove_file(entry.path())?;
            }
        }
        let stamps = format!(
            "-ldflags=-s -w -X {module}/pkg/buildinfo.version={version} \
             -X github.com/dapr/kit/logger.DaprVersion={version}"
        );
        let flags = ["-tags=allcomponents", &stamps];
        self.go_here(&copy, package, &flags).await?;
        fs::remove_dir_all(&copy).context("cannot remove the copied sources")
    }

    async fn cargo(&self, package: &str) -> Result<()> {
        let root = format!("--root={}", self.draft.display());
        let package = format!("{package}@{}", self.version);
        let line = ["cargo", "install", "--locked", &root, &package];
        self.run(&line, &self.draft, &[]).await
    }

    /// Into an environment of its own.
    async fn pip(&self, packages: &BTreeMap<String, String>) -> Result<()> {
        let create = ["python3", "-m", "venv", "."];
        self.run(&create, &self.draft, &[]).await?;
        let python = self.draft.join("bin/python").display().to_string();
        let mut line = vec![python, "-m".into(), "pip".into(), "install".into()];
        line.extend(
            packages
                .iter()
                .map(|(name, it)| format!("{name}=={}", pin(it))),
        );
        self.run(&line, &self.draft, &[]).await
    }

    async fn npm(&self, package: &str) -> Result<()> {
        let package = format!("{package}@{}", self.version);
        let line = ["npm", "install", "--no-audit", "--no-fund", "--prefix", "."];
        self.run(&[&line[..], &[&package]].concat(), &self.draft, &[])
            .await
    }

    /// Copies the jars that a project names, and what they need at run time.
    async fn maven(&self, project: &str) -> Result<()> {
        let text = fs::read_to_string(workspace().join(project)).context("no project")?;
        let named = |name: &str| text.contains(&format!("${{{name}}}"));
        let pins = pins::all().filter(|(name, _)| named(name));
        let mut line = ["mvn", "-B", "-q", "-f", project]
            .map(str::to_owned)
            .to_vec();
        line.extend(["dependency:copy-dependencies", "-DincludeScope=runtime"].map(str::to_owned));
        line.push(format!("-DoutputDirectory={}", self.draft.display()));
        line.extend(pins.map(|(name, version)| format!("-D{name}={version}")));
        self.run(&line, &workspace(), &[]).await
    }

    /// As root only, which needs no password, and without starting the service that the package brings along.
    async fn apt(&self, package: &str) -> Result<()> {
        ensure!(
            nix::unistd::geteuid().is_root(),
            "only root may install packages"
        );
        let apt = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"];
        let install = ["install", "-y", "--no-install-recommends", package];
        let install = [&apt[..], &install].concat();
        let env = [
            ("DEBIAN_FRONTEND", "noninteractive"),
            // Makes systemctl believe that it runs in an image being built, and the older scripts that the machine is in single-user
            // mode. Both then leave the service alone.
            ("SYSTEMD_OFFLINE", "1"),
            ("RUNLEVEL", "1"),
            ("PREVLEVEL", "N"),
        ];
        if self.run(&install, &self.draft, &env).await.is_ok() {
            return Ok(());
        }
        // On a fresh machine there are no package lists yet.
        let update = [&apt[..], &["update"]].concat();
        self.run(&update, &self.draft, &env).await?;
        self.run(&install, &self.draft, &env).await
    }
}

/// Not by `cp`: folders of Go's cache are read-only, and the copies must not be.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The folder of a module's sources in Go's own cache; downloads it where `env` does not forbid that. `near` is any folder outside a Go
/// module.
pub(crate) async fn go_module(
    module: &str,
    version: &str,
    near: &Path,
    env: &[(&str, &str)],
) -> Result<PathBuf> {
    let mut command = Command::new("go");
    command.args(["mod", "download", "-json", &format!("{module}@v{version}")]);
    command.envs(GO).envs(env.iter().copied());
    if near.is_dir() {
        command.current_dir(near);
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.context("cannot run go")?;
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    if let Some(folder) = answer["Dir"].as_str().filter(|_| output.status.success()) {
        return Ok(folder.into());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let why = answer["Error"].as_str().unwrap_or(&stderr).trim();
    bail!("go mod download {module}@v{version}: {why}")
}
