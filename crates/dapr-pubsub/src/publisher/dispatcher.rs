//! The publisher's only task: starts calls while there are free places, and owns them.

use std::sync::Arc;

use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::queue::Batch;
use super::{PublishError, Shared, flight};

pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let places = shared.options.max_in_flight.max(1);
    let mut flights = JoinSet::new();
    loop {
        if flights.len() < places {
            gather(&shared).await;
        }
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

/// Lets what is ready to run have its turn for as long as that brings further events: what has been read from other connections by then
/// goes along. That takes microseconds, and without it the first answer to a batch would be followed by a call for one event.
async fn gather(shared: &Shared) {
    let mut before = 0;
    loop {
        let waiting = shared.queue.len();
        if waiting == before || waiting >= shared.options.max_batch {
            break;
        }
        before = waiting;
        yield_now().await;
    }
}

async fn fly(shared: Arc<Shared>, batch: Batch) {
    match batch {
        Batch::Together(entries) => flight::together(&shared, entries).await,
        Batch::Apart(entries) => flight::apart(&shared, entries).await,
    }
}
