//! `dapr-pubsub` is fit for publishing: it packs, and builds by itself, and its public API changes only where somebody has seen it.
//!
//! | module | holds |
//! |---|---|
//! | [`api`] | what is public, from rustdoc |
//! | [`types`] | whose types the API names |
//! | [`baseline`] | the API of the last release |

mod api;
pub(crate) mod baseline;
mod types;

use anyhow::{Context as _, Result, bail, ensure};
use harness::workspace;
use serde::Deserialize;

use super::report::Report;
use crate::chart::first_difference;
use crate::{cargo, git, version};

const PACKAGE: &str = "dapr-pubsub";

/// What is public, one item a line.
const GOLDEN: &str = "crates/dapr-pubsub/public-api.txt";

/// Set it to write the file anew.
const UPDATE: &str = "UPDATE_GOLDEN";

/// What has to be in the package beside its sources.
const CONTENTS: [&str; 2] = ["LICENSE", "README.md"];

/// `cargo metadata`, as much of it as is used.
#[derive(Debug, Deserialize)]
struct Workspace {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    metadata: serde_json::Value,
}

pub(super) async fn check(report: &mut Report) {
    report
        .check(
            "package",
            "dapr-pubsub packs; its public API is the golden file, and names only crates that are accepted",
            package,
        )
        .await;
}

async fn package() -> Result<String> {
    packed().await?;
    let api = api::lines().await?;
    types::check(&api, &allowed().await?)?;
    golden(&api)?;
    let compared = baseline::accept(&version::present()?).await?;
    Ok(format!("{} public items, {compared}", api.len()))
}

/// As a registry would take it: nothing to warn of, and no source is left out.
async fn packed() -> Result<()> {
    let package = format!("--package={PACKAGE}");
    let list = cargo::run(&["package", &package, "--offline", "--allow-dirty", "--list"]).await?;
    let sources = git::ask(&["ls-files", "--", &format!("crates/{PACKAGE}/src")]).await?;
    let folder = format!("crates/{PACKAGE}/");
    let sources = sources.lines().map(|it| it.trim_start_matches(&folder));
    for file in CONTENTS.into_iter().chain(sources) {
        ensure!(
            list.lines().any(|line| line == file),
            "{PACKAGE} is packed without {file}: `include` in its Cargo.toml says what is packed"
        );
    }
    without_a_warning(&["--allow-dirty", "--no-verify"]).await
}

/// The same, and what comes out of the package builds by itself. That builds every dependency once more, for about a minute.
pub(crate) async fn builds_by_itself() -> Result<()> {
    without_a_warning(&[]).await
}

async fn without_a_warning(how: &[&str]) -> Result<()> {
    let package = format!("--package={PACKAGE}");
    let line = ["package", &package, "--locked", "--offline"];
    let (_, said) = cargo::output(&[&line[..], how].concat(), &[]).await?;
    let warnings: Vec<_> = said
        .lines()
        .filter(|it| it.starts_with("warning"))
        .collect();
    ensure!(
        warnings.is_empty(),
        "cargo package: {}",
        warnings.join("\n")
    );
    Ok(())
}

/// The crates whose types the API may name.
async fn allowed() -> Result<Vec<String>> {
    let metadata =
        cargo::run(&["metadata", "--no-deps", "--format-version=1", "--offline"]).await?;
    let workspace: Workspace = serde_json::from_str(&metadata).context("cargo metadata")?;
    let package = workspace.packages.into_iter().find(|it| it.name == PACKAGE);
    let metadata = package.context("no such package")?.metadata;
    let allowed = metadata["public-types"]["allowed"].clone();
    serde_json::from_value(allowed).with_context(|| {
        format!("{PACKAGE}: write `allowed = [...]` below `[package.metadata.public-types]` in its Cargo.toml")
    })
}

fn golden(api: &[String]) -> Result<()> {
    let text = api.join("\n") + "\n";
    let path = workspace().join(GOLDEN);
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &text).context(GOLDEN)?;
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    if let Some(difference) = first_difference(&there, &text) {
        bail!(
            "{GOLDEN}, {difference}\nthe public API has changed; look at the diff that `{UPDATE}=1 cargo xtask test --only package` makes"
        );
    }
    Ok(())
}
