//! The name of a record.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use uuid::Uuid;

/// Longer keys are replaced by a digest: stores have limits, `source` and `id` have none.
const LONGEST: usize = 512;

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The key of the record about the event that `source` and `id` name, as `consumer` handles it:
/// `<consumer>:<source>:<id>`.
///
/// daprd puts the app-id and `||` in front of it, and refuses keys that contain `||` themselves
/// (dapr/dapr `pkg/components/state/state_config.go`). All but unreserved characters are therefore
/// percent-encoded, so that no two events share a key, and a person can still read it.
///
/// ```
/// let key = dapr_pubsub::record_key("task-worker", "task-api", "0f3c");
/// assert_eq!(key, "task-worker:task-api:0f3c");
/// assert_eq!(dapr_pubsub::record_key("w", "a:b", "c||d"), "w:a%3Ab:c%7C%7Cd");
/// ```
pub fn record_key(consumer: &str, source: &str, id: &str) -> String {
    let mut key = String::with_capacity(consumer.len() + source.len() + id.len() + 2);
    for (index, part) in [consumer, source, id].into_iter().enumerate() {
        if index > 0 {
            key.push(':');
        }
        key.extend(utf8_percent_encode(part, RESERVED));
    }
    if key.len() > LONGEST {
        let digest = Uuid::new_v5(&Uuid::NAMESPACE_URL, key.as_bytes());
        key.clear();
        let _ = write!(key, "digest:{digest}");
    }
    key
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, record_key};

    #[test]
    fn different_events_have_different_keys() {
        assert_ne!(record_key("w", "a:b", "c"), record_key("w", "a", "b:c"));
        assert_ne!(record_key("w", "a%3Ab", "c"), record_key("w", "a:b", "c"));
        assert_ne!(record_key("v", "a", "b"), record_key("w", "a", "b"));
    }

    #[test]
    fn long_ids_are_digested() {
        let id = "x".repeat(LONGEST);
        let key = record_key("w", "s", &id);
        assert!(key.starts_with("digest:") && key.len() < 64, "{key}");
        assert_eq!(key, record_key("w", "s", &id));
        assert_ne!(key, record_key("w", "s", &format!("{id}y")));
        assert!(!record_key("w|", "|s", "|").contains("||"));
    }
}
