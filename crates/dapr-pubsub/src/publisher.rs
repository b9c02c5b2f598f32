//! Publishing with an answer: `Ok` means that the broker has the event.

mod backoff;
mod dispatcher;
mod envelope;
mod error;
mod event;
mod flight;
mod queue;
mod verdict;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span, field};

pub use error::PublishError;
pub use event::NewEvent;

use crate::telemetry::{self, PublishMetrics};
use crate::text::shown;
use crate::trace_context::TraceHeaders;
use crate::{Sidecar, clock};
use envelope::Message;
use queue::{Entry, Queue};

/// Where a [`Publisher`] sends to, and what bounds it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PublisherOptions {
    /// Name of the pub/sub component.
    pub pubsub: String,
    /// Topic to publish to.
    pub topic: String,
    /// The sidecar's app-id. With it the envelope is made here, and daprd passes it on as it is, at less than half the cost; without it
    /// daprd makes the envelope, with the same attributes.
    pub app_id: Option<String>,
    /// Most events that wait, be it for a call or for their next attempt. One more is refused with
    /// [`PublishError::QueueFull`]. Events that are part of a call are not counted.
    /// Whatever their number, no more than 64 MiB wait.
    pub queue_capacity: usize,
    /// Most events of one bulk call.
    pub max_batch: usize,
    /// Calls under way at the same time. While this many are, new events wait and then go out
    /// together, so the load itself decides how large the batches are.
    pub max_in_flight: usize,
    /// Time for one attempt. It may go on after its caller's deadline, when the caller has gone: a component that is
    /// reconnecting to its broker needs it.
    pub attempt_timeout: Duration,
    /// Upper bound of the random pause after the first failed attempt; it doubles with each one.
    pub backoff_initial: Duration,
    /// What that bound grows to.
    pub backoff_max: Duration,
}

impl PublisherOptions {
    /// 1024 waiting events, batches of 128, 2 calls at a time, 2 s per attempt, pauses of up to
    /// 50 ms growing to 1 s.
    pub fn new(pubsub: impl Into<String>, topic: impl Into<String>) -> Self {
        Self {
            pubsub: pubsub.into(),
            topic: topic.into(),
            app_id: None,
            queue_capacity: 1024,
            max_batch: 128,
            max_in_flight: 2,
            attempt_timeout: Duration::from_secs(2),
            backoff_initial: Duration::from_millis(50),
            backoff_max: Duration::from_secs(1),
        }
    }
}

/// Publishes events to a topic, or to others where an event [names one](NewEvent::with_topic). Clones share the queue.
///
/// A lone event goes out at once (`PublishEvent`). While [`PublisherOptions::max_in_flight`] calls
/// are under way, further events wait; when one of them returns, all that wait for the oldest one's topic go out in one
/// `BulkPublishEvent`. No timer is involved, so batching never delays an event that could be sent.
///
/// # The fate of an event in a batch
/// daprd answers a bulk call in which *any* entry failed with a status, and that answer does not name
/// the failed entries (dapr/dapr `pkg/api/grpc/grpc.go`, `bulkPublishEvent`). After such an answer
/// each event of the batch is published by itself, under the same id, and so gets an answer of its
/// own; an event that failed alone is never put into a batch again. The entries that the broker had
/// taken the first time are then there twice, with the same id: delivery is at least once, with or
/// without batches, and subscribers recognise the id.
///
/// # Retries
/// Attempts are repeated until the caller's deadline when the sidecar is away, when the broker failed
/// (daprd reports that as `INTERNAL`), when there was no answer in time, and while the component is
/// not loaded. Between attempts there is a random pause ("full jitter"), during which the event
/// holds up nothing else. What daprd will never take ([`PublishError::Rejected`]) is not repeated.
#[derive(Clone)]
pub struct Publisher {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    /// Counts the callers of `publish` that wait for their result.
    callers: TaskTracker,
    /// The dispatcher, and nothing else.
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Without a last `shutdown`, the dispatcher ends with the last clone.
    _stop_on_drop: DropGuard,
}

/// What the dispatcher and its calls work with.
struct Shared {
    sidecar: Sidecar,
    options: PublisherOptions,
    queue: Queue,
    metrics: PublishMetrics,
}

impl Publisher {
    /// Starts the publisher's only task; call it inside a tokio runtime. Nothing is sent yet.
    pub fn new(sidecar: &Sidecar, mut options: PublisherOptions) -> Self {
        for span in [
            &mut options.attempt_timeout,
            &mut options.backoff_initial,
            &mut options.backoff_max,
        ] {
            *span = clock::bounded(*span);
        }
        let metrics = PublishMetrics::new(&options.topic);
        let shared = Arc::new(Shared {
            sidecar: sidecar.clone(),
            queue: Queue::new(&options),
            metrics,
            options,
        });
        let queue = Arc::downgrade(&shared);
        let waiting = move || queue.upgrade().map(|shared| shared.queue.len());
        shared.metrics.observe_queue(waiting);
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(dispatcher::run(Arc::clone(&shared), stop.clone()));
        let inner = Inner {
            shared,
            callers: TaskTracker::new(),
            tasks,
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Publishes `event` and waits until the broker acknowledged it, at most for `deadline`.
    ///
    /// The trace goes on from the caller's current span. Dropping the future withdraws an event that
    /// still waits; one that is part of a call may or may not be published.
    pub async fn publish(&self, event: NewEvent, deadline: Duration) -> Result<(), PublishError> {
        let options = &self.inner.shared.options;
        let other = event.topic.clone();
        let topic = other.as_deref().unwrap_or(&options.topic);
        let span = tracing::info_span!(
            "send",
            otel.name = format!("send {topic}"),
            otel.kind = "producer",
            otel.status_code = field::Empty,
            messaging.destination.name = topic,
            messaging.message.id = shown(&event.id),
            error.type = field::Empty,
        );
        telemetry::describe(&span, "send", &options.pubsub);
        let started = Instant::now();
        let result = self
            .send(event, started, deadline)
            .instrument(span.clone())
            .await;
        let error = result.as_ref().err().map(PublishError::kind);
        if let Some(error) = error {
            span.record("otel.status_code", "ERROR");
            span.record("error.type", error);
        }
        let metrics = &self.inner.shared.metrics;
        metrics.ended(other.as_deref(), started.elapsed(), error);
        result
    }

    /// How many events wait, for a call or for their next attempt.
    pub fn queued(&self) -> usize {
        self.inner.shared.queue.len()
    }

    /// Refuses new events, waits until all others have their result, at most for `deadline`, and
    /// ends the publisher's task. Returns how many were left without one; their callers get an
    /// error. To be called once; later calls find nothing to do.
    pub async fn shutdown(&self, deadline: Duration) -> usize {
        let Inner {
            shared,
            callers,
            tasks,
            stop,
            ..
        } = &*self.inner;
        shared.queue.close();
        callers.close();
        let drained = timeout(deadline, callers.wait()).await.is_ok();
        let left = if drained { 0 } else { callers.len() };
        stop.cancel();
        tasks.close();
        tasks.wait().await;
        left
    }

    async fn send(
        &self,
        event: NewEvent,
        started: Instant,
        limit: Duration,
    ) -> Result<(), PublishError> {
        event.check()?;
        let _counted = self.inner.callers.token();
        let deadline = started + clock::bounded(limit);
        let (reply, mut answer) = oneshot::channel();
        let span = Span::current();
        let message = Message::new(&self.inner.shared.options, event, TraceHeaders::of(&span))?;
        let entry = Entry::new(message, span, deadline, reply);
        // Withdraws the event when this future is dropped.
        let ticket = self.inner.shared.queue.push(entry)?;
        match timeout_at(deadline, &mut answer).await {
            Ok(Ok(result)) => {
                ticket.settled();
                result
            }
            // Shut down while a call was under way.
            Ok(Err(_)) => Err(ticket.unknown(limit)),
            Err(_) => match ticket.withdraw() {
                Some(entry) => Err(entry.out_of_time(Instant::now())),
                // Part of a call; its answer may have arrived this very moment.
                None => answer
                    .try_recv()
                    .unwrap_or_else(|_| Err(ticket.unknown(limit))),
            },
        }
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("options", &self.inner.shared.options)
            .finish_non_exhaustive()
    }
}
