//! Work beside a scenario.

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What goes on until it is told to end, or dropped.
#[derive(Debug)]
pub struct Background<T> {
    stop: CancellationToken,
    task: JoinSet<Result<T>>,
}

impl<T: Send + 'static> Background<T> {
    /// Starts `work`, which ends soon after its token is cancelled.
    pub fn start<F>(work: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let task = JoinSet::from_iter([work(stop.clone())]);
        Self { stop, task }
    }

    /// Tells it to end, and waits for what came out.
    pub async fn stop(mut self) -> Result<T> {
        self.stop.cancel();
        let ended = self.task.join_next().await;
        ended.context("nobody is at work any more")??
    }
}
