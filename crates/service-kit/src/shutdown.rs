//! The two stages of a graceful end: *draining* (not ready any more, still serving) and *closing* (no new work).
//!
//! Kubernetes sends SIGTERM and removes the pod from its Service at the same time, so requests go on arriving for a
//! moment: a service that stopped listening at once would refuse them.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long each stage takes.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct ShutdownArgs {
    /// How long to go on serving after SIGTERM, until no router sends requests here any more.
    #[arg(long, env = "SHUTDOWN_DELAY", default_value = "5s", value_parser = crate::units::duration)]
    pub shutdown_delay: Duration,
    /// How long requests and events in hand may then take before they are cut off.
    #[arg(long, env = "SHUTDOWN_DEADLINE", default_value = "20s", value_parser = crate::units::duration)]
    pub shutdown_deadline: Duration,
}

/// Where the process is on its way down. Cloning shares the stages.
#[derive(Debug, Clone)]
pub struct Shutdown {
    draining: CancellationToken,
    closing: CancellationToken,
    timing: ShutdownArgs,
}

impl Shutdown {
    /// A shutdown that only [`Shutdown::begin`] starts; tests own it.
    pub fn new(timing: ShutdownArgs) -> Self {
        Self {
            draining: CancellationToken::new(),
            closing: CancellationToken::new(),
            timing,
        }
    }

    /// Passes both stages, the second one after the delay. `hurry` ends the delay.
    pub async fn begin(&self, hurry: impl Future<Output = ()>) {
        self.draining.cancel();
        tokio::select! {
            () = tokio::time::sleep(self.timing.shutdown_delay) => {}
            () = hurry => tracing::warn!("asked again: not waiting for requests that are still on their way"),
        }
        self.closing.cancel();
    }

    /// Whether the process should no longer be given work.
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Completes when the process should no longer be given work.
    pub async fn draining(&self) {
        self.draining.cancelled().await;
    }

    /// Completes when listeners must close.
    pub async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// How long work in hand may take once listeners are closed.
    pub fn deadline(&self) -> Duration {
        self.timing.shutdown_deadline
    }
}

/// The signals that end the process: SIGTERM from Kubernetes, SIGINT from a terminal.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Installs the handlers; do it before anything slow, or an early SIGTERM kills the process.
    pub fn install() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Completes with the next signal's name.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
