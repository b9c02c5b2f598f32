//! Events that this process has finished a moment ago.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Some 1 MiB.
const MOST: usize = 8192;

/// Copies that come at all come soon: of a publish whose answer was lost, or of a delivery whose answer was.
const AGE: Duration = Duration::from_mins(5);

/// A copy of one of these needs no call, and does not spoil the one that others share: a call in which one claim is refused says of none
/// what became of it. Only what the store has confirmed is here, and for no longer than it is kept there.
#[derive(Debug)]
pub(super) struct Recent {
    finished: Mutex<Finished>,
    age: Duration,
}

#[derive(Debug, Default)]
struct Finished {
    /// With a moment before the record was written.
    keys: HashMap<Arc<str>, Instant>,
    /// In the order in which they came.
    order: VecDeque<Arc<str>>,
}

impl Recent {
    pub(super) fn new(retention: Duration) -> Self {
        Self {
            finished: Mutex::default(),
            age: AGE.min(retention),
        }
    }

    /// The record says *done*, and was not written before `since`.
    pub(super) fn note(&self, key: &str, since: Instant) {
        let key: Arc<str> = key.into();
        let mut finished = self.lock();
        if finished.keys.insert(Arc::clone(&key), since).is_none() {
            finished.order.push_back(key);
        }
        if finished.order.len() > MOST
            && let Some(oldest) = finished.order.pop_front()
        {
            finished.keys.remove(&oldest);
        }
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        let since = self.lock().keys.get(key).copied();
        since.is_some_and(|since| since.elapsed() < self.age)
    }

    fn lock(&self) -> MutexGuard<'_, Finished> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_finished_is_known_for_a_while() {
        let recent = Recent::new(Duration::from_hours(4));
        recent.note("a", Instant::now());
        advance(AGE / 2).await;
        recent.note("b", Instant::now());
        assert!(recent.contains("a") && recent.contains("b") && !recent.contains("c"));
        advance(AGE / 2).await;
        assert!(!recent.contains("a") && recent.contains("b"));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_known_no_longer_than_the_store_knows_it() {
        let recent = Recent::new(Duration::from_secs(1));
        recent.note("a", Instant::now());
        advance(Duration::from_secs(1)).await;
        assert!(!recent.contains("a"));
    }

    #[tokio::test]
    async fn what_is_remembered_is_bounded() {
        let recent = Recent::new(AGE);
        for key in 0..=MOST {
            recent.note(&key.to_string(), Instant::now());
        }
        assert!(!recent.contains("0") && recent.contains("1"));
        assert_eq!(recent.lock().order.len(), MOST);
    }
}
