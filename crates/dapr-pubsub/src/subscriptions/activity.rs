//! When something was last delivered, by component and topic: whether the way from the broker to this process works.

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
    ways: Arc<Mutex<Vec<Arc<Way>>>>,
}

/// A component and a topic, and what has come through them.
#[derive(Debug)]
struct Way {
    pubsub: String,
    topic: String,
    seen: Mutex<Seen>,
}

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
    way: Arc<Way>,
    settled: AtomicBool,
}

impl Activity {
    pub(super) fn begin(&self, pubsub: &str, topic: &str) -> Active {
        let way = self.way(pubsub, topic);
        way.note(1, false);
        Active {
            way,
            settled: AtomicBool::new(false),
        }
    }

    fn way(&self, pubsub: &str, topic: &str) -> Arc<Way> {
        let mut ways = lock(&self.ways);
        let find = |pubsub: &str| ways.iter().find(|way| way.is(pubsub, topic));
        let pubsub = match find(pubsub) {
            Some(way) => return Arc::clone(way),
            None if ways.len() < MOST => pubsub,
            None => UNKNOWN,
        };
        if let Some(way) = find(pubsub) {
            return Arc::clone(way);
        }
        let way = Arc::new(Way {
            pubsub: pubsub.to_owned(),
            topic: topic.to_owned(),
            seen: Mutex::new(Seen {
                last: Instant::now(),
                at: 0.0,
                in_hand: 0,
                handled: 0,
            }),
        });
        ways.push(Arc::clone(&way));
        way
    }

    /// How long nothing has been delivered; none while a delivery is in hand. `None` where there was no delivery yet.
    pub(crate) fn silence(&self, pubsub: &str, topic: &str) -> Option<Duration> {
        let ways = lock(&self.ways);
        let way = ways.iter().find(|way| way.is(pubsub, topic))?;
        let seen = lock(&way.seen);
        Some(match seen.in_hand {
            0 => seen.last.elapsed(),
            _ => Duration::ZERO,
        })
    }

    /// Component, topic, and the last delivery in seconds since 1970.
    pub(crate) fn last(&self) -> Vec<(String, String, f64)> {
        self.each(|seen| seen.at)
    }

    /// Component, topic, and how many deliveries have ended with SUCCESS or DROP.
    pub(crate) fn handled(&self) -> Vec<(String, String, u64)> {
        self.each(|seen| seen.handled)
    }

    fn each<T>(&self, figure: impl Fn(&Seen) -> T) -> Vec<(String, String, T)> {
        let ways = lock(&self.ways);
        let ways = ways.iter();
        ways.map(|way| {
            let figure = figure(&lock(&way.seen));
            (way.pubsub.clone(), way.topic.clone(), figure)
        })
        .collect()
    }
}

impl Way {
    fn is(&self, pubsub: &str, topic: &str) -> bool {
        self.pubsub == pubsub && self.topic == topic
    }

    fn note(&self, change: isize, settled: bool) {
        let mut seen = lock(&self.seen);
        seen.last = Instant::now();
        seen.at = clock::since_1970().as_secs_f64();
        seen.in_hand = seen.in_hand.saturating_add_signed(change);
        seen.handled += u64::from(settled);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Active {
    /// The delivery, or an event of it, will not come again.
    pub(super) fn settled(&self) {
        self.settled.store(true, Ordering::Relaxed);
    }

    /// The component, for labels.
    pub(super) fn pubsub(&self) -> &str {
        &self.way.pubsub
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.way.note(-1, *self.settled.get_mut());
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
