//! Ctrl-C and SIGTERM: whatever is under way is dropped, and with it every process and folder that it owns.

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
#[derive(Debug, thiserror::Error)]
#[error("stopped by a signal; no process is left")]
pub struct Interrupted;
