//! Asks git.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::workspace;
use tokio::process::Command;
use tokio::time::timeout;

/// Everything that is asked is on this disk.
const ANSWER: Duration = Duration::from_mins(1);

/// What git answers, without the last line break.
pub(crate) async fn ask(args: &[&str]) -> Result<String> {
    let output = output(args).await?;
    ensure!(
        output.status.success(),
        "git {}: {}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

/// What differs between two files, as a unified diff; nothing when they are the same.
pub(crate) async fn difference(before: &Path, after: &Path) -> Result<String> {
    let (before, after) = (before.to_string_lossy(), after.to_string_lossy());
    let args = [
        "diff",
        "--no-index",
        "--no-color",
        "--no-ext-diff",
        "--",
        &before,
        &after,
    ];
    let output = output(&args).await?;
    // 1 says that they differ.
    ensure!(
        matches!(output.status.code(), Some(0 | 1)),
        "git {}: {}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

async fn output(args: &[&str]) -> Result<std::process::Output> {
    let command = Command::new("git")
        .args(args)
        .current_dir(workspace())
        // `format-local` is then UTC.
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ended = timeout(ANSWER, command).await;
    ended
        .with_context(|| format!("git {} does not come back", args.join(" ")))?
        .context("cannot run git")
}
