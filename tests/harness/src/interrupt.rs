//! Ctrl-C and SIGTERM: whatever is under way is dropped, and with it every process and folder that it owns.

use std::fmt;

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};

/// Runs `command` to its end or to the first signal, which is an error: [`Interrupted`].
pub async fn or_interrupted<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        ended = command => return ended,
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Err(Interrupted.into())
}

/// A signal has ended a command. No process of it is left.
#[derive(Debug, Clone, Copy)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped by a signal; no process is left")
    }
}

impl std::error::Error for Interrupted {}
