//! Ctrl-C and SIGTERM: whatever is under way is dropped, and with it every process and folder that it owns.

use std::process::ExitCode;

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};

/// 128 + SIGINT, as shells report it.
const INTERRUPTED: u8 = 130;

/// Runs `command` to its end or to the first signal.
pub(crate) async fn or_interrupted(
    command: impl Future<Output = Result<ExitCode>>,
) -> Result<ExitCode> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        ended = command => return ended,
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    crate::console::note("stopped; no process is left");
    Ok(ExitCode::from(INTERRUPTED))
}
