//! Claims of others that are in the way, and for how long they have not moved.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// More events than are being retried at one replica at a time.
const MOST: usize = 1024;

/// The store's TTL ends a dead holder's claim, normally. But `state.redis` writes a record and sets
/// its TTL in two steps (dapr/components-contrib `state/redis/redis.go`, `Set`): a sidecar killed
/// in between leaves a claim that never ends. A living holder renews its claim and so changes its
/// etag; one that has kept its etag for longer than a lease, by this process's own monotonic clock,
/// is dead.
#[derive(Debug)]
pub(super) struct Watch {
    seen: Mutex<HashMap<String, Seen>>,
    patience: Duration,
}

#[derive(Debug)]
struct Seen {
    etag: String,
    since: Instant,
}

impl Watch {
    pub(super) fn new(lease: Duration) -> Self {
        // Half a lease on top: the record's holder may have been configured with a longer one.
        Self {
            seen: Mutex::default(),
            patience: lease + lease / 2,
        }
    }

    /// Notes the sight of a claim; true when it has not changed for too long.
    pub(super) fn is_stale(&self, key: &str, etag: &str) -> bool {
        let now = Instant::now();
        let mut seen = self.lock();
        if seen.len() >= MOST && !seen.contains_key(key) {
            let patience = self.patience;
            seen.retain(|_, it| now.duration_since(it.since) < 2 * patience);
            if seen.len() >= MOST {
                return false;
            }
        }
        match seen.entry(key.to_owned()) {
            Entry::Occupied(it) if it.get().etag == etag => {
                now.duration_since(it.get().since) > self.patience
            }
            Entry::Occupied(mut it) => {
                it.insert(Seen {
                    etag: etag.to_owned(),
                    since: now,
                });
                false
            }
            Entry::Vacant(it) => {
                it.insert(Seen {
                    etag: etag.to_owned(),
                    since: now,
                });
                false
            }
        }
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

    use super::{MOST, Watch};

    #[tokio::test(start_paused = true)]
    async fn a_claim_that_does_not_move_is_dead() {
        let watch = Watch::new(Duration::from_secs(10));
        assert!(!watch.is_stale("k", "1"));
        advance(Duration::from_secs(14)).await;
        assert!(!watch.is_stale("k", "1"));
        advance(Duration::from_secs(2)).await;
        assert!(watch.is_stale("k", "1"));
        // It was renewed: the clock starts again.
        assert!(!watch.is_stale("k", "2"));
        advance(Duration::from_secs(16)).await;
        assert!(watch.is_stale("k", "2"));
        watch.forget("k");
        assert!(!watch.is_stale("k", "2"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let watch = Watch::new(Duration::from_secs(10));
        for key in 0..2 * MOST {
            watch.is_stale(&key.to_string(), "1");
        }
        assert_eq!(watch.lock().len(), MOST);
        advance(Duration::from_secs(31)).await;
        watch.is_stale("new", "1");
        assert_eq!(watch.lock().len(), 1);
    }
}
