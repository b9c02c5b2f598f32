//! Handling each event once, although it is delivered at least once.

mod batch;
mod error;
mod key;
mod lease;
mod new_etag;
mod reader;
mod recent;
mod record;
mod store;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use error::InboxError;
pub use key::record_key;
pub use lease::Lease;
pub use reader::{EventState, InboxReader};

use crate::telemetry::InboxMetrics;
use crate::{Sidecar, clock};
use new_etag::NewEtag;
use recent::Recent;
use record::Record;
use store::{Store, StoreError};
use watch::{Sight, Watch};

/// Of the record that [`Inbox::check`] writes: longer than a restart of whoever writes it.
const CHECK_TTL: Duration = Duration::from_mins(1);

/// Where an [`Inbox`] keeps its records, and for how long.
#[derive(Clone, Debug)]
#[non_exhaustive]
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
    /// How many attempts an event has: after so many failures ([`Lease::fail`], or a lease that was dropped) it is to be dropped.
    /// `None`: it is retried for as long as the sidecar delivers it.
    ///
    /// With a bound here the sidecar's inbound retry policy can have no end, so that an outage, of whatever and however long, is no
    /// reason for a dead letter.
    pub max_attempts: Option<u32>,
    /// How long the sidecar's inbound retry policy waits between two attempts. A broker may hand out again what is being retried
    /// (Redis, after `processingTimeout`); an attempt that comes sooner than three quarters of this pause after a failure is such a
    /// copy, and finds the event [`Busy`](Claim::Busy), so that the attempts last as long as they should. Zero: no pause.
    pub retry_pause: Duration,
}

impl InboxOptions {
    /// A lease of 10 s, one day of retention, 2 s per call, any number of attempts.
    pub fn new(store: impl Into<String>, consumer: impl Into<String>) -> Self {
        Self {
            store: store.into(),
            consumer: consumer.into(),
            lease: Duration::from_secs(10),
            retention: Duration::from_hours(24),
            call_timeout: Duration::from_secs(2),
            max_attempts: None,
            retry_pause: Duration::ZERO,
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
/// 3. [`Lease::complete`] after the effect; [`Lease::fail`] if there was none, which counts the attempt; or [`Lease::release`],
///    which does not.
///
/// A crash between 2 and 3 leaves an effect that nobody knows of, and it happens again when the
/// claim has expired. That gap can only be closed inside the effect itself: make it idempotent, or
/// let it commit together with a record of its own.
///
/// A failure is the handler's own: it is counted in the record, survives restarts and is shared by replicas. That the store is
/// away, that a claim is in the way or that the process has died is not a failure of the event.
///
/// Records: `{"state":"claimed","owner":"<16 characters>","lease":<milliseconds>}`, with `"failures":<n>` after the first one;
/// `{"state":"failed","failures":<n>,"reason":"...","at":<milliseconds since 1970>,"dropped":<bool>}`; and `1`, the effect
/// has happened: what is kept for [`retention`](InboxOptions::retention), 136 bytes in Redis as `MEMORY USAGE` counts, some 215 with
/// what it takes to let it expire.
///
/// # Cost
/// Two writes for an event, the claim and the end of it, on `state.redis`; other stores are asked once more, while the effect is under
/// way. Writes that come while a call is under way go out together. A copy of an event that this process has finished within the last
/// five minutes, and among its last 8192, is known without a call.
#[derive(Clone)]
pub struct Inbox {
    inner: Arc<Inner>,
}

struct Inner {
    options: InboxOptions,
    store: Store,
    new_etag: NewEtag,
    watch: Watch,
    recent: Recent,
    metrics: InboxMetrics,
    /// The tasks that renew claims: one for each lease that is held.
    keepers: TaskTracker,
    /// The process ends: what is left to write has to be written now.
    closing: CancellationToken,
}

/// What [`Inbox::claim`] found.
#[derive(Debug)]
#[must_use]
pub enum Claim {
    /// The event is this caller's to handle.
    Fresh(Lease),
    /// It was handled before: answer SUCCESS.
    Done,
    /// Somebody else is handling it, or has just failed to: answer RETRY. It may yet fail there.
    Busy,
    /// Its attempts are used up ([`InboxOptions::max_attempts`]), and the last handler did not live to say so: answer DROP. Should
    /// it be delivered again, it has one more attempt.
    Exhausted {
        /// How many there were.
        attempts: u32,
        /// What was said about the last one.
        reason: String,
    },
}

impl Inbox {
    /// No I/O happens before the first claim.
    pub fn new(sidecar: &Sidecar, mut options: InboxOptions) -> Self {
        for span in [
            &mut options.lease,
            &mut options.retention,
            &mut options.call_timeout,
            &mut options.retry_pause,
        ] {
            *span = clock::bounded(*span);
        }
        let inner = Inner {
            store: Store::new(sidecar.clone(), options.store.clone(), options.call_timeout),
            new_etag: NewEtag::default(),
            watch: Watch::new(options.lease),
            recent: Recent::new(options.retention),
            metrics: InboxMetrics::new(&options.consumer),
            keepers: TaskTracker::new(),
            closing: CancellationToken::new(),
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

    /// Writes a record that is no event's and ends after a minute, within `deadline`. `Ok` means that claims can be made, which a
    /// store that is full or read-only does not take although it can be read.
    pub async fn check(&self, deadline: Duration) -> Result<(), InboxError> {
        let key = record_key(&self.inner.options.consumer, "", "check");
        self.inner.store.note(&key, CHECK_TTL, deadline).await?;
        Ok(())
    }

    /// Writes a record that is no event's and ends after `ttl`.
    pub(crate) async fn note(
        &self,
        source: &str,
        id: &str,
        ttl: Duration,
        deadline: Duration,
    ) -> Result<(), InboxError> {
        let key = record_key(&self.inner.options.consumer, source, id);
        self.inner.store.note(&key, ttl, deadline).await?;
        Ok(())
    }

    /// Waits until every lease has ended, at most for `deadline`; returns how many have not.
    /// Events must not be delivered any more. The attempts of handlers that were interrupted are counted at once.
    pub async fn shutdown(&self, deadline: Duration) -> usize {
        let Inner {
            keepers, closing, ..
        } = &*self.inner;
        keepers.close();
        closing.cancel();
        match timeout(deadline, keepers.wait()).await {
            Ok(()) => 0,
            Err(_) => keepers.len(),
        }
    }

    /// What this consumer has recorded about an event.
    pub(crate) async fn state(
        &self,
        source: &str,
        id: &str,
        deadline: Duration,
    ) -> Result<EventState, InboxError> {
        let key = record_key(&self.inner.options.consumer, source, id);
        let record = self.inner.store.get(&key, deadline).await?;
        Ok(record.map_or(EventState::Unknown, |(record, _)| record.into()))
    }

    async fn try_claim(&self, key: &str) -> Result<(Claim, &'static str), InboxError> {
        let Inner {
            options,
            store,
            watch,
            recent,
            ..
        } = &*self.inner;
        if recent.contains(key) {
            return Ok((Claim::Done, "done"));
        }
        let limit = options.call_timeout;
        let owner = record::new_owner();
        let claimed = |failures| Record::Claimed {
            owner: owner.clone(),
            failures,
            lease: millis(options.lease),
        };
        // Twice, because the record can vanish between the attempt to create it and the look at what
        // was in the way.
        let mut failure = None;
        for _ in 0..2 {
            let started = Instant::now();
            match store.create(key, &claimed(0), options.lease, limit).await {
                Ok(()) => return Ok((self.fresh(key, claimed(0), 0, true, started), "fresh")),
                Err(error) if error.leaves_no_doubt() => return Err(error.into()),
                Err(error) => failure = Some(error),
            }
            let Some((record, etag)) = store.get(key, limit).await? else {
                continue;
            };
            let (failures, result) = match record {
                Record::Done => {
                    watch.forget(key);
                    return Ok((Claim::Done, "done"));
                }
                // Created after all, but something went wrong on the way, perhaps setting the TTL:
                // made good by writing it again.
                Record::Claimed {
                    owner: holder,
                    failures,
                    ..
                } if holder == owner => (failures, "fresh"),
                Record::Claimed {
                    owner: holder,
                    failures,
                    lease,
                } => {
                    let sight = Sight {
                        owner: &holder,
                        etag: &etag,
                        lease: Duration::from_millis(lease),
                    };
                    if !watch.is_stale(key, sight) {
                        return Ok((Claim::Busy, "busy"));
                    }
                    // Its TTL is missing, not kept, or long because there were failures before.
                    (failures, "taken_over")
                }
                Record::Failed { at, .. } if options.is_too_soon(at) => {
                    return Ok((Claim::Busy, "busy"));
                }
                Record::Failed {
                    failures,
                    reason,
                    at,
                    dropped: false,
                } if options.is_last(failures) => {
                    return self.exhausted(key, failures, reason, at, &etag).await;
                }
                Record::Failed { failures, .. } => (failures, "again"),
            };
            let started = Instant::now();
            let ttl = options.claim_ttl(failures);
            return match store
                .replace(key, &claimed(failures), &etag, ttl, limit)
                .await
            {
                Ok(()) => {
                    watch.forget(key);
                    Ok((
                        self.fresh(key, claimed(failures), failures, false, started),
                        result,
                    ))
                }
                Err(StoreError::Conflict(_)) => Ok((Claim::Busy, "busy")),
                Err(error) => Err(error.into()),
            };
        }
        // The loop ends only after a failure.
        let source = "the record comes and goes".into();
        Err(failure.map_or(InboxError::Unavailable { source }, InboxError::from))
    }

    fn fresh(
        &self,
        key: &str,
        mine: Record,
        failures: u32,
        created: bool,
        started: Instant,
    ) -> Claim {
        let key = key.to_owned();
        let lease = lease::hold(&self.inner, key, mine, failures, created, started);
        Claim::Fresh(lease)
    }

    /// Notes that the event is given up, before that is said: whoever gets it again has one more attempt.
    async fn exhausted(
        &self,
        key: &str,
        failures: u32,
        reason: String,
        at: u64,
        etag: &str,
    ) -> Result<(Claim, &'static str), InboxError> {
        let Inner { options, store, .. } = &*self.inner;
        let dropped = Record::Failed {
            failures,
            reason: reason.clone(),
            at,
            dropped: true,
        };
        let (ttl, limit) = (options.retention, options.call_timeout);
        match store.replace(key, &dropped, etag, ttl, limit).await {
            Ok(()) => {
                let attempts = failures;
                Ok((Claim::Exhausted { attempts, reason }, "exhausted"))
            }
            Err(StoreError::Conflict(_)) => Ok((Claim::Busy, "busy")),
            Err(error) => Err(error.into()),
        }
    }
}

impl InboxOptions {
    fn is_last(&self, failures: u32) -> bool {
        self.max_attempts.is_some_and(|most| failures >= most)
    }

    /// By the clock of whoever wrote the record; one that is wrong delays an attempt by a pause at most.
    fn is_too_soon(&self, at: u64) -> bool {
        let since = now().saturating_sub(at);
        at <= now() && u128::from(since) < self.retry_pause.as_millis() * 3 / 4
    }

    /// A claim ends by itself after a lease, and the count of failures with it: after the first one the record stays, and it is
    /// [`Watch`] that finds its holder dead.
    fn claim_ttl(&self, failures: u32) -> Duration {
        match failures {
            0 => self.lease,
            _ => self.retention,
        }
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    millis(clock::since_1970())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("options", &self.inner.options)
            .finish_non_exhaustive()
    }
}
