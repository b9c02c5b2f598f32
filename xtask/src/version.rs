//! `cargo xtask version`: one version for images, chart and crates. Prints it, changes it everywhere, or says where it is not the same.
//!
//! | module | holds |
//! |---|---|
//! | [`places`] | where it is written |
//! | [`hub`] | what Artifact Hub is told of it |
//! | [`next`] | which versions are accepted |
//! | [`check`] | whether every place agrees |
//!
//! What is deployed, in `argocd/environments`, has a version of its own: `cargo xtask promote` changes it.

mod check;
mod hub;
pub(crate) mod next;
mod places;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use harness::workspace;
use semver::Version;

use crate::test::package::baseline;
use crate::{changelog, chart, git};
use harness::console;

/// The chart of the previous release.
pub(crate) const PREVIOUS: &str = "tests/cluster/fixtures/task-pubsub-0.1.0.tgz";
use places::{CARGO_TOML, CHART_YAML, PLACES};

pub(crate) use check::check;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The version to change to; without it the present one is printed.
    #[arg(value_name = "X.Y.Z")]
    version: Option<String>,
    /// Only compares, and fails when a place has another version than Cargo.toml, or than the one given.
    #[arg(long)]
    check: bool,
    /// Changes the version although there are changes that are not committed.
    #[arg(long)]
    allow_dirty: bool,
    /// The day of the release; without it today, in UTC.
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<String>,
}

/// A file and what will be in it.
#[derive(Debug)]
struct Change {
    path: PathBuf,
    old: String,
    new: String,
}

pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    let present = present()?;
    match &args.version {
        _ if args.check => {
            if let Some(wanted) = &args.version {
                let wanted = next::parse(wanted)?;
                ensure!(
                    wanted == present,
                    "the version is {present}, not {wanted}: change it by `cargo xtask version {wanted}`"
                );
            }
            console::result(check().await?);
        }
        None => console::result(present),
        Some(wanted) => change(args, &present, &next::parse(wanted)?).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The version that the workspace has.
pub(crate) fn present() -> Result<Version> {
    let text = read(CARGO_TOML)?;
    let place = PLACES.iter().find(|place| place.file == CARGO_TOML);
    let found = place.context("no place in Cargo.toml")?.read(&text)?;
    next::parse(found.first().copied().unwrap_or_default()).context(CARGO_TOML)
}

async fn change(args: &Args, present: &Version, wanted: &Version) -> Result<()> {
    next::after(present, wanted)?;
    let date = args.date.as_deref().map_or_else(|| Ok(today()), day)?;
    if !args.allow_dirty {
        let changed = git::ask(&["status", "--porcelain"]).await?;
        ensure!(
            changed.is_empty(),
            "there are changes that are not committed: commit them, or say --allow-dirty\n{changed}"
        );
    }
    baseline::accept(wanted).await?;
    let changes = changes(read, wanted, &date)?;
    // The chart's derived files are made from what is written before.
    let derived = match write(&changes) {
        Ok(()) => chart::regenerate().await,
        Err(error) => Err(error),
    };
    if let Err(error) = derived {
        restore(&changes)?;
        return Err(error.context("nothing was changed"));
    }
    for change in &changes {
        console::note(&format!("wrote {}", change.path.display()));
    }
    console::result(format!("{present} -> {wanted}"));
    Ok(())
}

/// Everything that has to be written for the version, computed before anything is.
fn changes(
    read: impl Fn(&str) -> Result<String>,
    version: &Version,
    date: &str,
) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let log = read(changelog::FILE)?;
    let cut = changelog::cut(&log, &version.to_string(), date)?;
    for place in &PLACES {
        let old = read(place.file)?;
        let mut new = place.write(&old, &version.to_string())?;
        if place.file == CHART_YAML {
            let told = changelog::told(&log, changelog::UNRELEASED)?;
            new = hub::annotate(&new, version, &changelog::entries(told.body)?)?;
        }
        let path = place.file.into();
        changes.push(Change { path, old, new });
    }
    changes.push(Change {
        path: changelog::FILE.into(),
        old: log,
        new: cut,
    });
    Ok(changes)
}

fn write(changes: &[Change]) -> Result<()> {
    for change in changes {
        let path = workspace().join(&change.path);
        std::fs::write(path, &change.new).with_context(|| change.path.display().to_string())?;
    }
    Ok(())
}

fn restore(changes: &[Change]) -> Result<()> {
    for change in changes {
        let path = workspace().join(&change.path);
        std::fs::write(path, &change.old).with_context(|| change.path.display().to_string())?;
    }
    Ok(())
}

fn read(file: &str) -> Result<String> {
    std::fs::read_to_string(workspace().join(file)).with_context(|| file.to_owned())
}

#[allow(
    clippy::disallowed_types,
    reason = "a release has a date, which no other clock knows"
)]
fn today() -> String {
    let now = std::time::SystemTime::now();
    let text = humantime::format_rfc3339_seconds(now).to_string();
    text.chars().take("YYYY-MM-DD".len()).collect()
}

/// A day as it was given.
fn day(text: &str) -> Result<String> {
    let known = humantime::parse_rfc3339(&format!("{text}T00:00:00Z"));
    ensure!(
        known.is_ok(),
        "--date {text}: not a day; give year, month and day, such as 2026-01-31"
    );
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        assert_eq!(day(&today()).unwrap(), today());
        assert_eq!(day("2024-02-29").unwrap(), "2024-02-29");
        for text in ["2026-13-01", "2026-1-1", "today", "2025-02-29"] {
            let said = day(text).unwrap_err().to_string();
            assert!(said.starts_with(&format!("--date {text}: ")), "{said}");
        }
    }

    #[test]
    fn every_place_of_this_workspace_is_found_and_changed() {
        let version = Version::new(999, 0, 0);
        let log = "# Changelog\n\n## Unreleased\n\n### Fixed\n- It.\n";
        let read = |file: &str| match file {
            changelog::FILE => Ok(log.to_owned()),
            file => read(file),
        };
        let changes = changes(read, &version, "2026-01-31").unwrap();
        assert_eq!(changes.len(), PLACES.len() + 1);
        let present = present().unwrap().to_string();
        for change in &changes {
            assert!(change.new.contains("999.0.0"), "{}", change.path.display());
        }
        // In the lock file others may have the same version by chance.
        let counted = changes[..PLACES.len()].iter();
        for change in counted.filter(|it| !it.path.ends_with("Cargo.lock")) {
            assert_eq!(
                change.old.matches(&present).count(),
                change.new.matches("999.0.0").count(),
                "{}",
                change.path.display()
            );
        }
    }
}
