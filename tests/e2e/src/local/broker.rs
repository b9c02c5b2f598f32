//! What Redis and Kafka have in common: a process that can be stopped, killed and started again with its data and its port.

use std::time::Duration;

use anyhow::Result;

use super::process::{Ended, Process};

/// How long a broker may take to write what it has and end.
const STOP: Duration = Duration::from_secs(20);

/// A broker of the stack.
#[allow(
    async_fn_in_trait,
    reason = "only this workspace calls it, and needs no `Send` futures"
)]
pub trait Broker {
    /// Starts it on its port with the data that it has, and waits until it serves.
    async fn start(&mut self) -> Result<()>;

    /// Where the running process is kept.
    fn slot(&mut self) -> &mut Option<Process>;

    /// Stops it in order (SIGTERM).
    async fn stop(&mut self) -> Result<Option<Ended>> {
        match self.slot().take() {
            Some(process) => process.terminate(STOP).await.map(Some),
            None => Ok(None),
        }
    }

    /// Kills it (SIGKILL).
    async fn kill(&mut self) -> Result<()> {
        if let Some(process) = self.slot().take() {
            process.kill().await?;
        }
        Ok(())
    }

    /// Stops it in order and starts it again on the same port.
    async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.start().await
    }
}
