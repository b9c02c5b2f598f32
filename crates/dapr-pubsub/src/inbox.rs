//! Handling each event once, although it is delivered at least once.

mod error;
mod key;
mod lease;
mod reader;
mod record;
mod store;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub use error::InboxError;
pub use key::record_key;
pub use lease::Lease;
pub use reader::{EventState, InboxReader};

use crate::Sidecar;
use crate::telemetry::InboxMetrics;
use record::Record;
use store::{Store, StoreError};
use watch::Watch;

/// Where an [`Inbox`] keeps its records, and for how long.
#[derive(Clone, Debug)]
pub struct InboxOptions {
    /// Name of a state store component with etags and TTL. Redis was tested; anything that runs
    /// Dapr's conformance tests for first-write and TTL should do.
    pub store: String,
    /// Who handles the events: two consumers of one topic each handle every event. All replicas of
    /// a service share the name, and it must outlive deployments.
    pub consumer: String,
    /// How long a claim lasts unless it is renewed, which happens three times in that span. Longer
    /// than the handler's timeout; in the store it is rounded up to whole seconds.
    pub lease: Duration,
    /// How long it is remembered that an event was handled: longer than it can come back, be it
    /// from the broker's retention or out of a dead-letter topic.
    pub retention: Duration,
    /// Longest time for one call to the sidecar.
    pub call_timeout: Duration,
}

impl InboxOptions {
    /// A lease of 10 s, one day of retention, 2 s per call.
    pub fn new(store: impl Into<String>, consumer: impl Into<String>) -> Self {
        Self {
            store: store.into(),
            consumer: consumer.into(),
            lease: Duration::from_secs(10),
            retention: Duration::from_hours(24),
            call_timeout: Duration::from_secs(2),
        }
    }
}

/// Remembers in the sidecar's state store which events were handled.
///
/// The same event can be delivered twice *at the same time*, so noting it afterwards is not enough:
///
/// 1. [`claim`](Self::claim) before the effect. One record per consumer, `source` and `id`
///    ([`record_key`]) is created only where there is none, so one of several gets it.
/// 2. The effect. Meanwhile the claim is renewed; if the process dies, it expires.
/// 3. [`Lease::complete`] after the effect, or [`Lease::release`] if there was none.
///
/// A crash between 2 and 3 leaves an effect that nobody knows of, and it happens again when the
/// claim has expired. That gap can only be closed inside the effect itself: make it idempotent, or
/// let it commit together with a record of its own.
///
/// Records: `{"state":"claimed","owner":"<uuid>"}` and `{"state":"done"}`.
#[derive(Clone)]
pub struct Inbox {
    inner: Arc<Inner>,
}

struct Inner {
    options: InboxOptions,
    store: Store,
    watch: Watch,
    metrics: InboxMetrics,
    /// The tasks that renew claims: one for each lease that is held.
    keepers: TaskTracker,
}

/// What [`Inbox::claim`] found.
#[derive(Debug)]
#[must_use]
pub enum Claim {
    /// The event is this caller's to handle.
    Fresh(Lease),
    /// It was handled before: answer SUCCESS.
    Done,
    /// Somebody else is handling it: answer RETRY. It may yet fail there.
    Busy,
}

impl Inbox {
    /// No I/O happens before the first claim.
    pub fn new(sidecar: &Sidecar, options: InboxOptions) -> Self {
        let inner = Inner {
            store: Store::new(sidecar.clone(), options.store.clone()),
            watch: Watch::new(options.lease),
            metrics: InboxMetrics::new(&options.consumer),
            keepers: TaskTracker::new(),
            options,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Claims the event that `source` and `id` name.
    ///
    /// An error means that nothing is known: answer RETRY.
    pub async fn claim(&self, source: &str, id: &str) -> Result<Claim, InboxError> {
        let key = record_key(&self.inner.options.consumer, source, id);
        let claim = self.try_claim(&key).await;
        let result = match &claim {
            Ok((_, result)) => result,
            Err(_) => "unavailable",
        };
        self.inner.metrics.claimed(result);
        claim.map(|(claim, _)| claim)
    }

    /// Asks the state store for a record that does not exist, within `deadline`. `Ok` means that claims can be made: while
    /// they cannot, a service should turn its app health red, so that events wait in the broker.
    pub async fn check(&self, deadline: Duration) -> Result<(), InboxError> {
        let key = record_key(&self.inner.options.consumer, "", "check");
        self.inner.store.get(&key, deadline).await?;
        Ok(())
    }

    /// Waits until every lease has ended, at most for `deadline`; returns how many have not.
    /// Events must not be delivered any more.
    pub async fn shutdown(&self, deadline: Duration) -> usize {
        let keepers = &self.inner.keepers;
        keepers.close();
        match timeout(deadline, keepers.wait()).await {
            Ok(()) => 0,
            Err(_) => keepers.len(),
        }
    }

    async fn try_claim(&self, key: &str) -> Result<(Claim, &'static str), InboxError> {
        let Inner {
            options,
            store,
            watch,
            ..
        } = &*self.inner;
        let limit = options.call_timeout;
        let owner = Uuid::new_v4().to_string();
        let claimed = Record::Claimed {
            owner: owner.clone(),
        };
        // Twice, because the record can vanish between the attempt to create it and the look at what
        // was in the way.
        let mut failure = None;
        for _ in 0..2 {
            let started = Instant::now();
            match store.create(key, &claimed, options.lease, limit).await {
                Ok(()) => return Ok((self.fresh(key, owner, started), "fresh")),
                Err(error) if error.leaves_no_doubt() => return Err(error.into()),
                Err(error) => failure = Some(error),
            }
            let Some((record, etag)) = store.get(key, limit).await? else {
                continue;
            };
            let taken_over = match record {
                Record::Done => {
                    watch.forget(key);
                    return Ok((Claim::Done, "done"));
                }
                // Created after all, but something went wrong on the way, perhaps setting the TTL:
                // made good by writing it again.
                Record::Claimed { owner: holder } if holder == owner => false,
                // A living holder renews its claim, which changes the etag. This one has been the
                // same for longer than a lease: its TTL is missing or not kept.
                Record::Claimed { .. } if watch.is_stale(key, &etag) => true,
                Record::Claimed { .. } => return Ok((Claim::Busy, "busy")),
            };
            let started = Instant::now();
            return match store
                .replace(key, &claimed, &etag, options.lease, limit)
                .await
            {
                Ok(()) => {
                    watch.forget(key);
                    let result = if taken_over { "taken_over" } else { "fresh" };
                    Ok((self.fresh(key, owner, started), result))
                }
                Err(StoreError::Conflict(_)) => Ok((Claim::Busy, "busy")),
                Err(error) => Err(error.into()),
            };
        }
        // The loop ends only after a failure.
        let source = "the record comes and goes".into();
        Err(failure.map_or(InboxError::Unavailable { source }, InboxError::from))
    }

    fn fresh(&self, key: &str, owner: String, started: Instant) -> Claim {
        Claim::Fresh(lease::hold(&self.inner, key.to_owned(), owner, started))
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("options", &self.inner.options)
            .finish_non_exhaustive()
    }
}
