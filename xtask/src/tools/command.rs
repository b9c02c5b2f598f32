//! Runs the commands that ask and install, with a deadline, and never leaves one behind.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use harness::{launch::Launch, log, process::Process};
use tokio::{process::Command, time::timeout};

use harness::console::Step;

/// A program that is asked for its version answers at once, or is not the one that we look for.
const ANSWER: Duration = Duration::from_secs(20);

/// How often the progress line shows the newest line of the log.
const REFRESH: Duration = Duration::from_millis(500);

/// How much of a failed command's log the error shows.
const LAST_LINES: usize = 15;

/// What a program says of itself, on either stream; `None` when it does not run.
pub(crate) async fn ask(program: &Path, args: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(ANSWER, command.output()).await.ok()?.ok()?;
    let said = [output.stdout, output.stderr].concat();
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&said).into_owned())
}

/// One command of an installation.
#[derive(Debug)]
pub(crate) struct Work {
    line: Vec<String>,
    env: Vec<(String, String)>,
    folder: PathBuf,
}

impl Work {
    /// A command that runs in `folder`.
    pub(crate) fn new(folder: &Path, line: &[&str]) -> Self {
        let line = line.iter().map(|&word| word.to_owned()).collect();
        Self {
            line,
            env: Vec::new(),
            folder: folder.to_owned(),
        }
    }

    /// Sets an environment variable.
    #[must_use]
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Runs it to its end, in a process group of its own that dies with this future. The error carries the last
    /// lines of its output.
    pub(crate) async fn run(self, log: &Path, limit: Duration, step: &Step) -> Result<()> {
        let (program, args) = self.line.split_first().context("an empty command")?;
        let mut launch = Launch::new(program, program, log)
            .args(args)
            .folder(&self.folder)
            .inherit_env();
        for (name, value) in &self.env {
            launch = launch.env(name, value);
        }
        let process = Process::start(launch).await?;
        let ended = timeout(limit, wait(&process, log, step)).await;
        let line = self.line.join(" ");
        let why = match ended {
            Ok(status) if status.as_ref().is_ok_and(std::process::ExitStatus::success) => {
                return Ok(());
            }
            Ok(status) => status?.to_string(),
            Err(_) => format!("not done after {} minutes", limit.as_secs() / 60),
        };
        bail!(
            "`{line}`: {why}; the last lines of {}:\n{}",
            log.display(),
            log::tail(log, LAST_LINES)
        )
    }
}

async fn wait(process: &Process, log: &Path, step: &Step) -> Result<std::process::ExitStatus> {
    loop {
        if let Ok(status) = timeout(REFRESH, process.wait()).await {
            return status;
        }
        step.detail(&log::tail(log, 1));
    }
}
