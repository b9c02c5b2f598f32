//! Runs programs that end by themselves, with an end to their patience.

use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

/// Runs a command within `limit` and returns its standard output; the error is what it wrote, on either stream.
pub async fn output(command: &mut Command, limit: Duration, input: &str) -> Result<String> {
    let program = command.as_std().get_program().display().to_string();
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let mut stdin = child.stdin.take().context("no stdin")?;
    // Dropping it is the end of the file.
    let write = async move { stdin.write_all(input.as_bytes()).await };
    let run = async { tokio::join!(write, child.wait_with_output()) };
    let (written, ended) = timeout(limit, run)
        .await
        .with_context(|| format!("{program} does not come back within {limit:?}"))?;
    let ended = ended?;
    if !ended.status.success() {
        bail!("{}", said(&ended));
    }
    written?;
    Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
}

/// What a program that failed has written; of Helm's, without the advice on every error.
fn said(ended: &Output) -> String {
    let said = [&*ended.stdout, &*ended.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let said = said.split("\n\nUse --debug").next().unwrap_or_default();
    match said.trim() {
        "" => ended.status.to_string(),
        said => said.to_owned(),
    }
}
