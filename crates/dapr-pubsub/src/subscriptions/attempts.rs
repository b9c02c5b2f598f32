//! The budget of attempts where no inbox counts them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::Envelope;

/// Events that fail at one replica at a time; of more, those that have not been tried for the longest are forgotten.
const MOST: usize = 4096;

/// Failed attempts by event, in this process only.
#[derive(Debug)]
pub(super) struct Attempts {
    most: u32,
    failures: Mutex<HashMap<String, Failures>>,
}

#[derive(Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Attempts {
    pub(super) fn new(most: u32) -> Self {
        Self {
            most,
            failures: Mutex::default(),
        }
    }

    /// Counts one; the number of them when the event has no further attempt.
    pub(super) fn failed(&self, event: &Envelope<'_>) -> Option<u32> {
        let key = key(event);
        let mut failures = self.lock();
        if failures.len() >= MOST && !failures.contains_key(&key) {
            let oldest = failures.iter().min_by_key(|(_, it)| it.last);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                failures.remove(&oldest);
            }
        }
        let entry = failures.entry(key.clone()).or_insert(Failures {
            count: 0,
            last: Instant::now(),
        });
        entry.count += 1;
        entry.last = Instant::now();
        let count = entry.count;
        if count < self.most {
            return None;
        }
        failures.remove(&key);
        Some(count)
    }

    pub(super) fn forget(&self, event: &Envelope<'_>) {
        let mut failures = self.lock();
        if !failures.is_empty() {
            failures.remove(&key(event));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(event: &Envelope<'_>) -> String {
    crate::record_key("", event.source(), event.id())
}

#[cfg(test)]
mod tests {
    use super::{Attempts, MOST};
    use crate::Envelope;

    fn body(id: usize) -> String {
        format!(r#"{{"specversion":"1.0","id":"{id}","source":"s","type":"t"}}"#)
    }

    #[test]
    fn attempts_are_counted_by_event_and_forgotten_with_a_success() {
        let (one, two) = (body(1), body(2));
        let (one, two) = (
            Envelope::parse(one.as_bytes()).unwrap(),
            Envelope::parse(two.as_bytes()).unwrap(),
        );
        let attempts = Attempts::new(2);
        assert_eq!(attempts.failed(&one), None);
        assert_eq!(attempts.failed(&two), None);
        attempts.forget(&two);
        assert_eq!(attempts.failed(&one), Some(2));
        assert_eq!(attempts.failed(&two), None);
        assert_eq!(attempts.failed(&one), None, "a redriven event begins again");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let attempts = Attempts::new(2);
        for id in 0..=MOST {
            let body = body(id);
            assert_eq!(
                attempts.failed(&Envelope::parse(body.as_bytes()).unwrap()),
                None
            );
        }
        assert_eq!(attempts.lock().len(), MOST);
    }
}
