//! The name of a record.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use uuid::Uuid;

/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The key of the record about the event that `source` and `id` name, as `consumer` handles it: 22 characters, which are the UUID of
/// version 5 (RFC 9562) of `<consumer>:<source>:<id>` in base64url without padding. Of each part all but unreserved characters are
/// percent-encoded, so that no two events share a name; the namespace is that of URLs.
///
/// It is short because a store keeps one for each event, and of the same length for all because `source` and `id` have no bounds.
/// daprd puts the app-id or a prefix and `||` in front of it, and refuses keys that contain `||` themselves (dapr/dapr
/// `pkg/components/state/state_config.go`).
///
/// ```
/// let key = dapr_pubsub::record_key("task-worker", "task-api", "42");
/// assert_eq!(key, "3VNyiXPPU4qKZjvp-4bRww");
/// ```
pub fn record_key(consumer: &str, source: &str, id: &str) -> String {
    let mut name = String::with_capacity(consumer.len() + source.len() + id.len() + 2);
    for (index, part) in [consumer, source, id].into_iter().enumerate() {
        if index > 0 {
            name.push(':');
        }
        name.extend(utf8_percent_encode(part, RESERVED));
    }
    let digest = Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::record_key;

    #[test]
    fn different_events_have_different_keys() {
        assert_ne!(record_key("w", "a:b", "c"), record_key("w", "a", "b:c"));
        assert_ne!(record_key("w", "a%3Ab", "c"), record_key("w", "a:b", "c"));
        assert_ne!(record_key("v", "a", "b"), record_key("w", "a", "b"));
    }

    #[test]
    fn a_key_is_short_whatever_it_is_made_of() {
        let long = "x".repeat(10_000);
        for key in [record_key("", "", ""), record_key("w|", "|s", &long)] {
            assert!(key.len() == 22 && !key.contains('|'), "{key}");
        }
    }
}
