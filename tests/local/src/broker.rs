//! What all brokers of a stack have in common: a process that can be stopped, killed and started again with its data and its
//! port, and a way to look into it past Dapr.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use harness::process::{Ended, Process};

/// How long a broker may take to write what it has and end.
const STOP: Duration = Duration::from_secs(20);

/// The topics of the stack, for what somebody must have made before the product comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// Where events are published.
    pub events: String,
    /// Where those go that nobody could handle, as the values name it.
    pub dead_letters: String,
}

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

    /// The running process.
    fn process(&self) -> Option<&Process>;

    /// What its entry of `brokers` says differently than the chart; valid also while it is down.
    fn values(&self) -> Value;

    /// The Secrets that the entry refers to: a map of keys and values by name.
    fn secrets(&self) -> Value {
        json!({})
    }

    /// Makes what the chart's README asks for beforehand, once it runs.
    async fn prepare(&self, _topics: &Topics) -> Result<()> {
        Ok(())
    }

    /// Everything that is stored in `topic`, as text in which event ids can be looked for.
    async fn read(&self, topic: &str) -> Result<Vec<String>>;

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
