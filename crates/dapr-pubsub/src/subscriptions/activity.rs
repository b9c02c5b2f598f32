//! When something was last delivered, by component and topic: whether the way from the broker to this process works.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock;

/// The names come from the sidecar, which has a handful; what comes from elsewhere must not be a label of its own.
const MOST: usize = 64;
const UNKNOWN: &str = "unknown";

/// What was delivered to this process and when, as far as the [`Watchdog`](crate::Watchdog) and the metrics need it. Clones
/// share it.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    seen: Arc<Mutex<HashMap<Way, Seen>>>,
}

/// Component and topic.
type Way = (String, String);

#[derive(Debug)]
struct Seen {
    last: Instant,
    /// Seconds since 1970, for the metric.
    at: f64,
    in_hand: usize,
    /// Deliveries that ended with SUCCESS or DROP.
    handled: u64,
}

/// A delivery that has begun; it ends with this.
#[derive(Debug)]
pub(super) struct Active {
    activity: Activity,
    way: Way,
    settled: AtomicBool,
}

impl Activity {
    pub(super) fn begin(&self, pubsub: &str, topic: &str) -> Active {
        let mut way = (pubsub.to_owned(), topic.to_owned());
        let seen = self.lock();
        if seen.len() >= MOST && !seen.contains_key(&way) {
            UNKNOWN.clone_into(&mut way.0);
        }
        drop(seen);
        self.note(&way, 1, false);
        Active {
            activity: self.clone(),
            way,
            settled: AtomicBool::new(false),
        }
    }

    /// How long nothing has been delivered; none while a delivery is in hand. `None` where there was no delivery yet.
    pub(crate) fn silence(&self, pubsub: &str, topic: &str) -> Option<Duration> {
        let seen = self.lock();
        let seen = seen.get(&(pubsub.to_owned(), topic.to_owned()))?;
        Some(match seen.in_hand {
            0 => seen.last.elapsed(),
            _ => Duration::ZERO,
        })
    }

    /// Component, topic, and the last delivery in seconds since 1970.
    pub(crate) fn last(&self) -> Vec<(String, String, f64)> {
        let seen = self.lock();
        seen.iter()
            .map(|((pubsub, topic), seen)| (pubsub.clone(), topic.clone(), seen.at))
            .collect()
    }

    /// Component, topic, and how many deliveries have ended with SUCCESS or DROP.
    pub(crate) fn handled(&self) -> Vec<(String, String, u64)> {
        let seen = self.lock();
        seen.iter()
            .map(|((pubsub, topic), seen)| (pubsub.clone(), topic.clone(), seen.handled))
            .collect()
    }

    fn note(&self, way: &Way, change: isize, settled: bool) {
        let mut seen = self.lock();
        let at = clock::since_1970().as_secs_f64();
        let entry = seen.entry(way.clone()).or_insert(Seen {
            last: Instant::now(),
            at,
            in_hand: 0,
            handled: 0,
        });
        entry.last = Instant::now();
        entry.at = at;
        entry.in_hand = entry.in_hand.saturating_add_signed(change);
        entry.handled += u64::from(settled);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Way, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Active {
    /// The delivery, or an event of it, will not come again.
    pub(super) fn settled(&self) {
        self.settled.store(true, Ordering::Relaxed);
    }

    /// The component, for labels.
    pub(super) fn pubsub(&self) -> &str {
        &self.way.0
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let settled = *self.settled.get_mut();
        self.activity.note(&self.way, -1, settled);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::Activity;

    #[tokio::test(start_paused = true)]
    async fn there_is_no_silence_while_something_is_in_hand() {
        let activity = Activity::default();
        assert_eq!(activity.silence("p", "t"), None);
        let active = activity.begin("p", "t");
        active.settled();
        advance(Duration::from_secs(9)).await;
        assert_eq!(activity.silence("p", "t"), Some(Duration::ZERO));
        drop(active);
        advance(Duration::from_secs(3)).await;
        assert_eq!(activity.silence("p", "t"), Some(Duration::from_secs(3)));
        assert_eq!(activity.silence("q", "t"), None);
        assert_eq!(activity.last().len(), 1);
        assert_eq!(activity.handled(), [("p".into(), "t".into(), 1)]);
    }
}
