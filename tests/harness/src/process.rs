//! A child process that cannot outlive the harness, and whose death is noticed.
//!
//! Each child leads its own process group, writes stdout and stderr to a log file, and is killed when its
//! [`Process`] is dropped. Where `setpriv` exists the kernel kills it even when the harness itself gets SIGKILL.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::launch::Launch;
use crate::lines::tail;
use crate::wait::LOOK_AGAIN;

/// How many lines of the log an error about a dead process quotes.
const QUOTED_LINES: usize = 12;

/// One probe may hang (a listener that accepts and says nothing), so it has a limit of its own.
const PROBE_LIMIT: Duration = Duration::from_secs(4);

/// SIGKILL cannot be refused, but a process in an uninterruptible disk wait dies only after it.
const KILL_LIMIT: Duration = Duration::from_secs(20);

/// A running child, or what is left of one: its log and its exit status.
#[derive(Debug)]
pub struct Process {
    /// The name that errors use.
    pub name: String,
    group: Pid,
    /// The file with its stdout and stderr.
    pub log: PathBuf,
    exit: watch::Receiver<Option<ExitStatus>>,
    /// Reaps the child. Aborting it hands the child to tokio's own reaper, so no zombie stays either way.
    _reaper: JoinSet<()>,
}

impl Process {
    /// Starts the child. An error here means that it could not be started at all; a program that exits at once
    /// is noticed by [`Process::ready`].
    pub fn start(launch: &mut Launch) -> Result<Self> {
        let (name, log) = (launch.name.clone(), launch.log.clone());
        let mut child = launch.spawn()?;
        // A child that was not waited for yet has an id.
        let id = child.id().context("no process id")?;
        let group = Pid::from_raw(id.try_into().context("process id out of range")?);
        let (sender, exit) = watch::channel(None);
        let reap = async move {
            // An error means that somebody else reaped it; the closed channel tells the waiters.
            if let Ok(status) = child.wait().await {
                sender.send_replace(Some(status));
            }
        };
        Ok(Self {
            name,
            group,
            log,
            exit,
            _reaper: JoinSet::from_iter([reap]),
        })
    }

    /// The most memory that it has held so far, in MiB; `None` where the kernel does not tell.
    pub fn peak_memory_mib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.group)).ok()?;
        let mut lines = status.lines();
        let peak = lines.find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kib: u64 = peak.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kib / 1024)
    }

    /// The exit status when it has ended.
    pub fn ended(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// As the kernel knows it.
    pub fn id(&self) -> i32 {
        self.group.as_raw()
    }

    /// An error with the last lines of its log when it has ended.
    pub fn runs(&self) -> Result<()> {
        let Some(status) = self.ended() else {
            return Ok(());
        };
        let (name, log) = (&self.name, self.log.display());
        let lines = tail(&self.log, QUOTED_LINES);
        bail!("{name} ended ({status}); the last lines of {log}:\n{lines}")
    }

    /// Waits until it has ended, however long that takes; cancel safe.
    pub async fn wait(&self) -> Result<ExitStatus> {
        let mut exit = self.exit.clone();
        let status = exit.wait_for(Option::is_some).await;
        let status = status.with_context(|| format!("nobody waits for {} any more", self.name))?;
        status.with_context(|| format!("{} has no exit status", self.name))
    }

    /// Probes until `probe` answers `Ok`; `Err` says why it is not ready yet. Fails with the last lines of the log when the process has
    /// ended, and with the last of these reasons at the deadline.
    pub async fn ready(
        &self,
        deadline: Duration,
        mut probe: impl AsyncFnMut() -> Result<()>,
    ) -> Result<()> {
        let mut reason = anyhow!("never probed");
        let started = Instant::now();
        while started.elapsed() < deadline {
            self.runs()?;
            match timeout(PROBE_LIMIT, probe()).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(why)) => reason = why,
                Err(_) => reason = anyhow!("the probe got no answer"),
            }
            // Returns early when the process ends, which the next turn reports.
            let _ = timeout(LOOK_AGAIN, self.wait()).await;
        }
        let (name, log) = (&self.name, self.log.display());
        bail!("{name} is not ready after {deadline:?}: {reason:#}; its log: {log}")
    }

    /// SIGTERM, then SIGKILL when it is not gone after `deadline`. The exit status of one that ended by itself.
    pub async fn terminate(&self, deadline: Duration) -> Result<Option<ExitStatus>> {
        self.signal(Signal::SIGTERM);
        match timeout(deadline, self.wait()).await {
            Ok(status) => status.map(Some),
            Err(_) => self.kill().await.map(|_| None),
        }
    }

    /// SIGKILL, and waits until it is gone.
    pub async fn kill(&self) -> Result<ExitStatus> {
        self.signal(Signal::SIGKILL);
        let gone = timeout(KILL_LIMIT, self.wait()).await;
        gone.with_context(|| format!("{} is still there {KILL_LIMIT:?} after SIGKILL", self.name))?
    }

    /// SIGKILL for whoever cannot await: blocks for the milliseconds until it is gone.
    pub fn kill_at_once(&self) {
        if self.ended().is_none() {
            self.signal(Signal::SIGKILL);
            await_death(self.group);
        }
    }

    /// Stops it from running without ending it, as a frozen node does.
    pub fn suspend(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it run again after [`Process::suspend`].
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        // After its end the id may belong to somebody else. Before that, the only error is "no such process",
        // which is the wanted state.
        if self.ended().is_none() {
            let _ = killpg(self.group, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_at_once();
    }
}

/// Blocks for the milliseconds that a killed process needs to be gone, so that whoever drops it may remove its
/// files. It stays to be reaped by its reaper.
#[cfg(target_os = "linux")]
fn await_death(process: Pid) {
    use nix::sys::wait::{Id, WaitPidFlag, waitid};
    let _ = waitid(
        Id::Pid(process),
        WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT,
    );
}

#[cfg(not(target_os = "linux"))]
fn await_death(_: Pid) {}

#[cfg(test)]
mod tests;
