//! The etag of a new record, where it can be told without a look.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many new records in a row had the same etag.
const PROOF: u32 = 4;

/// `state.redis` counts the writes of a record, so every new one has the same etag; other stores give each a new one. This learns from
/// what was seen. A guess that is wrong is a conflict, which writes nothing, and after which the etag is asked for.
#[derive(Default)]
pub(super) struct NewEtag(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    etag: String,
    times: u32,
}

impl NewEtag {
    /// What a record has that was created and not written since.
    pub(super) fn guess(&self) -> Option<String> {
        let seen = self.seen();
        (seen.times >= PROOF).then(|| seen.etag.clone())
    }

    /// Such a record had this one.
    pub(super) fn saw(&self, etag: &str) {
        let mut seen = self.seen();
        if seen.etag == etag {
            seen.times = seen.times.saturating_add(1);
        } else {
            *seen = Seen {
                etag: etag.to_owned(),
                times: 1,
            };
        }
    }

    /// A guess was in conflict with the record.
    pub(super) fn was_wrong(&self) {
        self.seen().times = 0;
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_always_so_is_guessed_until_it_is_wrong() {
        let etag = NewEtag::default();
        for _ in 0..PROOF {
            assert_eq!(etag.guess(), None);
            etag.saw("1");
        }
        assert_eq!(etag.guess().as_deref(), Some("1"));
        etag.was_wrong();
        assert_eq!(etag.guess(), None);
    }

    #[test]
    fn etags_that_differ_are_never_guessed() {
        let etag = NewEtag::default();
        for number in 0..100 {
            etag.saw(&number.to_string());
            assert_eq!(etag.guess(), None);
        }
    }
}
