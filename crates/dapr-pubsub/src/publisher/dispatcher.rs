//! The publisher's only task: starts calls while there are free places, and owns them.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::queue::Batch;
use super::{PublishError, Shared, flight};

pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let places = shared.options.max_in_flight.max(1);
    let mut flights = JoinSet::new();
    loop {
        while flights.len() < places
            && let Some(batch) = shared.queue.take(Instant::now())
        {
            flights.spawn(fly(Arc::clone(&shared), batch));
        }
        let free = flights.len() < places;
        let due = shared.queue.next_due().filter(|_| free);
        tokio::select! {
            () = stop.cancelled() => break,
            Some(landed) = flights.join_next(), if !flights.is_empty() => {
                if let Err(error) = landed {
                    // Its callers see their reply dropped: outcome unknown.
                    tracing::error!(%error, "a publish call panicked");
                }
            }
            () = shared.queue.changed(), if free => {}
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
        }
    }
    flights.shutdown().await;
    let now = Instant::now();
    for entry in shared.queue.drain() {
        if entry.attempts == 0 {
            entry.settle(Err(PublishError::Closed));
        } else {
            entry.give_up(now);
        }
    }
}

async fn fly(shared: Arc<Shared>, batch: Batch) {
    match batch {
        Batch::Together(entries) => flight::together(&shared, entries).await,
        Batch::Apart(entries) => flight::apart(&shared, entries).await,
    }
}
