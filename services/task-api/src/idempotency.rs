//! `Idempotency-Key`: a client that asks again with the same key and the same body means the same task.

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use service_kit::problem::Problem;
use uuid::Uuid;

/// The header with which a client says that it means the same task.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Long enough that nobody else chooses the same one by chance.
const MIN_LENGTH: usize = 16;
const MAX_LENGTH: usize = 255;

/// The namespace of task ids that come from a key (RFC 9562, section 5.5); a random constant of this API.
const NAMESPACE: Uuid = Uuid::from_u128(0x5f0c_64cf_3a5d_4a2e_9a3d_6a7b_1c7e_90d2);

/// The value of the `Idempotency-Key` header, if the client sent one: 16 to 255 visible ASCII characters without blanks.
///
/// All clients share one space of keys: two that sent key `1` and the same title would share a task, and one of them would be told
/// that its task was published when it was the other's. A scope would need to know who asks, and nothing here does: the API has no
/// clients of its own, and a header that a deployment sets would be one more thing that it must set rightly. So a key that others
/// would choose, too, is refused; a random UUID (36 characters) is what the draft advises.
///
/// The header's name and meaning follow draft-ietf-httpapi-idempotency-key-header-07, which has expired. Nothing is stored:
/// the task's id is computed from key and body, so the same request gives the same task, here and after a restart. Another
/// body under the same key is another task, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdempotencyKey(Option<String>);

impl IdempotencyKey {
    /// The task's id: new for a request without a key, else the same for the same key and `canonical_body`.
    pub(crate) fn task_id(&self, canonical_body: &str) -> Uuid {
        match &self.0 {
            None => Uuid::now_v7(),
            // The key cannot contain a line feed, so no two pairs give the same text.
            Some(key) => Uuid::new_v5(&NAMESPACE, format!("{key}\n{canonical_body}").as_bytes()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let (first, second) = (values.next(), values.next());
        let Some(value) = first else {
            return Ok(Self(None));
        };
        // `Err` where a byte is not ASCII.
        let key = value.to_str().unwrap_or_default();
        let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        if second.is_some() || !visible || !(MIN_LENGTH..=MAX_LENGTH).contains(&key.len()) {
            return Err(Problem::malformed(format!(
                "Send one Idempotency-Key of {MIN_LENGTH} to {MAX_LENGTH} visible ASCII characters without blanks, for example a \
                 random UUID: a short one may be another client's, too."
            )));
        }
        Ok(Self(Some(key.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> IdempotencyKey {
        IdempotencyKey(Some(text.to_owned()))
    }

    #[test]
    fn the_same_key_and_body_are_the_same_task() {
        assert_eq!(key("a").task_id("{}"), key("a").task_id("{}"));
        assert_ne!(key("a").task_id("{}"), key("b").task_id("{}"));
        assert_ne!(key("a").task_id("{}"), key("a").task_id(r#"{"title":"x"}"#));
    }

    #[test]
    fn without_a_key_every_request_is_a_new_task() {
        assert_ne!(
            IdempotencyKey(None).task_id("{}"),
            IdempotencyKey(None).task_id("{}")
        );
    }

    #[test]
    fn ids_from_keys_do_not_change_between_versions() {
        // A restart, or an upgrade, in the middle of a client's retries must not make a second task.
        assert_eq!(
            key("k").task_id(r#"{"title":"t"}"#).to_string(),
            "a383f0b2-1104-5859-85d3-d05b74e1493e"
        );
    }
}
