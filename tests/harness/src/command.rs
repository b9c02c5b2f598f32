//! Runs programs that end by themselves, with an end to their patience.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

/// Runs a command within `limit` and returns its standard output; the error is its standard error.
pub async fn output(mut command: Command, limit: Duration, input: &str) -> Result<String> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().context("no stdin")?;
    let run = async {
        // Dropping it is the end of the file.
        stdin.write_all(input.as_bytes()).await?;
        drop(stdin);
        anyhow::Ok(child.wait_with_output().await?)
    };
    let output = timeout(limit, run)
        .await
        .with_context(|| format!("does not come back within {limit:?}"))??;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.split("\n\nUse --debug").next().unwrap_or_default();
        bail!("{}", said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
