//! Claims of others that are in the way, and for how long they have not moved.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// More events than are being retried at one replica at a time.
const MOST: usize = 1024;

/// The store's TTL ends a dead holder's claim, normally. But `state.redis` writes a record and sets
/// its TTL in two steps (dapr/components-contrib `state/redis/redis.go`, `Set`): a sidecar killed
/// in between leaves a claim that never ends. A living holder renews its claim and so changes its
/// etag; one whose claim has not moved for longer than its lease, by this process's own monotonic clock,
/// is dead.
#[derive(Debug)]
pub(super) struct Watch {
    seen: Mutex<HashMap<String, Seen>>,
    /// This process's own lease.
    lease: Duration,
}

/// A claim at one moment. An etag alone would not do: a new record begins to count where the one before it did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight<'a> {
    pub(super) owner: &'a str,
    pub(super) etag: &'a str,
    /// The holder's, which may be configured otherwise than this process's. Zero in records of before 0.3.
    pub(super) lease: Duration,
}

#[derive(Debug)]
struct Seen {
    owner: String,
    etag: String,
    patience: Duration,
    since: Instant,
}

impl Watch {
    pub(super) fn new(lease: Duration) -> Self {
        Self {
            seen: Mutex::default(),
            lease,
        }
    }

    /// Notes the sight of a claim; true when it has not moved for too long.
    pub(super) fn is_stale(&self, key: &str, claim: Sight<'_>) -> bool {
        let now = Instant::now();
        let mut seen = self.lock();
        if seen.len() >= MOST && !seen.contains_key(key) {
            seen.retain(|_, it| now.duration_since(it.since) < it.patience.saturating_mul(2));
            if seen.len() >= MOST {
                return false;
            }
        }
        if let Some(it) = seen.get(key)
            && it.owner == claim.owner
            && it.etag == claim.etag
        {
            return now.duration_since(it.since) > it.patience;
        }
        let lease = claim.lease.max(self.lease);
        let sight = Seen {
            owner: claim.owner.to_owned(),
            etag: claim.etag.to_owned(),
            // Half a lease on top, for a holder whose renewal is under way.
            patience: lease.saturating_add(lease / 2),
            since: now,
        };
        seen.insert(key.to_owned(), sight);
        false
    }

    pub(super) fn forget(&self, key: &str) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::{MOST, Sight, Watch};

    const LEASE: Duration = Duration::from_secs(10);

    fn claim<'a>(owner: &'a str, etag: &'a str) -> Sight<'a> {
        let lease = LEASE;
        Sight { owner, etag, lease }
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_that_does_not_move_is_dead() {
        let watch = Watch::new(LEASE);
        assert!(!watch.is_stale("k", claim("a", "1")));
        advance(Duration::from_secs(14)).await;
        assert!(!watch.is_stale("k", claim("a", "1")));
        advance(Duration::from_secs(2)).await;
        assert!(watch.is_stale("k", claim("a", "1")));
        // It was renewed: the clock starts again.
        assert!(!watch.is_stale("k", claim("a", "2")));
        advance(Duration::from_secs(16)).await;
        assert!(watch.is_stale("k", claim("a", "2")));
        watch.forget("k");
        assert!(!watch.is_stale("k", claim("a", "2")));
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_holder_is_another_one_though_its_etag_is_the_same() {
        let watch = Watch::new(LEASE);
        assert!(!watch.is_stale("k", claim("dead", "1")));
        advance(Duration::from_secs(16)).await;
        assert!(!watch.is_stale("k", claim("alive", "1")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_holder_with_a_longer_lease_has_its_time() {
        let watch = Watch::new(LEASE / 10);
        assert!(!watch.is_stale("k", claim("a", "1")));
        advance(Duration::from_secs(14)).await;
        assert!(!watch.is_stale("k", claim("a", "1")));
        advance(Duration::from_secs(2)).await;
        assert!(watch.is_stale("k", claim("a", "1")));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let watch = Watch::new(LEASE);
        for key in 0..2 * MOST {
            watch.is_stale(&key.to_string(), claim("a", "1"));
        }
        assert_eq!(watch.lock().len(), MOST);
        advance(Duration::from_secs(31)).await;
        watch.is_stale("new", claim("a", "1"));
        assert_eq!(watch.lock().len(), 1);
    }
}
