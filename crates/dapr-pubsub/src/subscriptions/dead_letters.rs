//! Whether what is dropped stays away, as it does when its dead letter could be published.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Events that are remembered at a time.
const MOST: usize = 1024;

/// An event that comes again so soon after it was dropped was not published to its dead-letter topic: the sidecar gives it back to the
/// broker then (dapr/dapr `pkg/runtime/subscription/subscription.go`). Somebody who sends dead letters to their topic again does so
/// later, and once.
const SOON: Duration = Duration::from_mins(5);

/// Drops of one event that are no coincidence.
const ENOUGH: u32 = 3;

/// What was dropped of late. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct DeadLetters {
    dropped: Arc<Mutex<HashMap<u64, Dropped>>>,
}

#[derive(Debug)]
struct Dropped {
    pubsub: String,
    topic: String,
    times: u32,
    last: Instant,
}

impl DeadLetters {
    /// The component and the topic of an event that was dropped and comes again and again. Its dead-letter topic cannot be
    /// published to: it does not exist and the broker makes none, or the component's `publishingScopes` do not let this application.
    pub fn returning(&self) -> Option<(String, String)> {
        let mut dropped = self.lock();
        dropped.retain(|_, it| it.last.elapsed() < SOON);
        let returning = dropped.values().find(|it| it.times >= ENOUGH)?;
        Some((returning.pubsub.clone(), returning.topic.clone()))
    }

    /// `event` is what tells it from others: its data, too, because what is dropped may have no id, or somebody else's.
    pub(super) fn note(&self, pubsub: &str, topic: &str, event: &[&[u8]]) {
        let mut hasher = DefaultHasher::new();
        event.hash(&mut hasher);
        let event = hasher.finish();
        let mut dropped = self.lock();
        if let Some(it) = dropped.get_mut(&event)
            && it.last.elapsed() < SOON
        {
            it.times += 1;
            it.last = Instant::now();
            return;
        }
        if dropped.len() >= MOST {
            dropped.retain(|_, it| it.last.elapsed() < SOON);
        }
        if dropped.len() < MOST {
            let first = Dropped {
                pubsub: pubsub.to_owned(),
                topic: topic.to_owned(),
                times: 1,
                last: Instant::now(),
            };
            dropped.insert(event, first);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Dropped>> {
        self.dropped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::{DeadLetters, ENOUGH, MOST, SOON};

    #[tokio::test(start_paused = true)]
    async fn a_dropped_event_that_keeps_coming_is_told_until_it_stays_away() {
        let dead_letters = DeadLetters::default();
        for _ in 0..ENOUGH {
            assert_eq!(dead_letters.returning(), None);
            dead_letters.note("kafka", "task-events", &[b"1", b"{}"]);
            advance(SOON / 10).await;
        }
        let way = ("kafka".to_owned(), "task-events".to_owned());
        assert_eq!(dead_letters.returning(), Some(way));
        advance(SOON).await;
        assert_eq!(dead_letters.returning(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let dead_letters = DeadLetters::default();
        for id in 0..2 * MOST {
            dead_letters.note("p", "t", &[id.to_string().as_bytes()]);
        }
        assert_eq!(dead_letters.lock().len(), MOST);
        advance(SOON).await;
        dead_letters.note("p", "t", &[b"new"]);
        assert_eq!(dead_letters.lock().len(), 1);
    }
}
