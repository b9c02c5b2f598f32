//! Runs programs that end by themselves, with an end to their patience.

use std::process::Stdio;
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
    let child = command.spawn();
    let mut child = child.with_context(|| format!("cannot start {program}"))?;
    let mut stdin = child.stdin.take().context("no stdin")?;
    // Dropping it is the end of the file.
    let write = async move { stdin.write_all(input.as_bytes()).await };
    let run = async { tokio::join!(write, child.wait_with_output()) };
    let ran = timeout(limit, run).await;
    let late = || format!("{program} does not come back within {limit:?}");
    let (written, ended) = ran.with_context(late)?;
    let ended = ended?;
    if !ended.status.success() {
        let said = [&*ended.stdout, &*ended.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        // Of Helm's, without the advice on every error.
        match said.split("\n\nUse --debug").next().map(str::trim) {
            None | Some("") => bail!("{}", ended.status),
            Some(said) => bail!("{said}"),
        }
    }
    written?;
    Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
}
