//! What can be found by reading: dependencies that should not be there, misspelt words.

use anyhow::{Context as _, Result};
use harness::{command::output, workspace};
use std::time::Duration;
use tokio::process::Command;

use crate::tools;

/// Reading takes seconds; the first time, cargo fetches what other platforms would need.
const LIMIT: Duration = Duration::from_mins(5);

pub(super) async fn dependencies() -> Result<String> {
    // Advisories are not among them: they come from outside, and make a commit fail that passed yesterday.
    deny(&["bans", "licenses", "sources"]).await
}

/// Runs cargo-deny with the rules of `deny.toml`.
pub(crate) async fn deny(kinds: &[&str]) -> Result<String> {
    let tools = tools::ensure(&["cargo-deny"]).await?;
    let mut command = Command::new(tools.path("cargo-deny")?);
    command
        .args(["--locked", "--color=never", "check", "--deny=warnings"])
        .args(kinds);
    read(&mut command).await.context("cargo deny")?;
    Ok(kinds.join(", "))
}

pub(super) async fn spelling() -> Result<String> {
    let tools = tools::ensure(&["typos"]).await?;
    let mut command = Command::new(tools.path("typos")?);
    read(command.args(["--format=brief", "--color=never"])).await
}

/// Runs redocly, which knows both, on what the services and the graph are described by.
pub(super) async fn descriptions() -> Result<String> {
    let tools = tools::ensure(&["redocly"]).await?;
    // Of every service that has an API for clients.
    let services = std::fs::read_dir(workspace().join("services"))?;
    let services: Vec<_> = services.collect::<std::io::Result<_>>()?;
    let files = services.iter().map(|it| it.path().join("openapi.json"));
    let mut command = Command::new(tools.path("redocly")?);
    command
        .envs([
            ("REDOCLY_TELEMETRY", "off"),
            ("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true"),
        ])
        .args(["lint", "--extends=minimal", "docs/asyncapi.json"])
        .args(files.filter(|file| file.is_file()));
    read(&mut command).await
}

/// Runs what reads the workspace and says nothing when it is content; the error is what it says.
pub(super) async fn read(command: &mut Command) -> Result<String> {
    output(command.current_dir(workspace()), LIMIT, "").await?;
    Ok(String::new())
}
