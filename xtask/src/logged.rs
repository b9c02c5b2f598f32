//! Commands that take minutes: with a log, an end to our patience, and their newest line for people to see.

use std::{path::Path, process::ExitStatus, time::Duration};

use anyhow::{Result, bail};
use harness::{Launch, Process, console::Step, tail};
use tokio::time::timeout;

/// No single command may take longer, however slow the machine.
const LIMIT: Duration = Duration::from_hours(1);

/// How often the newest line of the log is shown.
const REFRESH: Duration = Duration::from_millis(500);

/// How much of a failed command's log the error shows.
const LAST_LINES: usize = 25;

/// Runs `line` in `folder` to its end, in a process group of its own that dies with this future. The error carries the last lines of
/// its log.
pub(crate) async fn run(
    line: &[impl AsRef<str>],
    folder: &Path,
    env: &[(&str, &str)],
    log: &Path,
    step: &Step,
) -> Result<()> {
    let line: Vec<_> = line.iter().map(AsRef::as_ref).collect();
    let mut launch = Launch::new(line[0], line[0], log);
    launch.command.args(&line[1..]).current_dir(folder);
    // Build tools are configured by the caller's environment.
    launch.command.envs(std::env::vars_os());
    launch.command.envs(env.iter().copied());
    let process = Process::start(&mut launch)?;
    let why = match timeout(LIMIT, shown(&process, log, step)).await {
        Ok(status) => match status? {
            status if status.success() => return Ok(()),
            status => status.to_string(),
        },
        Err(_) => format!("not done after {} minutes", LIMIT.as_secs() / 60),
    };
    bail!(
        "`{}`: {why}; the last lines of {}:\n{}",
        line.join(" "),
        log.display(),
        tail(log, LAST_LINES)
    )
}

async fn shown(process: &Process, log: &Path, step: &Step) -> Result<ExitStatus> {
    loop {
        if let Ok(status) = timeout(REFRESH, process.wait()).await {
            return status;
        }
        step.detail(tail(log, 1).trim());
    }
}
