//! `Idempotency-Key`: a client that asks again with the same key and the same body means the same task, or whatever the API creates.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use http::HeaderName;
use http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use uuid::{Builder, NoContext, Timestamp, Uuid};

use super::Announcement;
use crate::problem::Problem;

/// The header with which a client says that it means the same task.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Long enough that nobody else chooses the same one by chance.
const MIN_LENGTH: usize = 16;
const MAX_LENGTH: usize = 255;

/// The namespace of ids that come from a key (RFC 9562, section 5.5); a random constant. One for all APIs: their bodies have other members.
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
pub struct IdempotencyKey(Option<String>);

impl IdempotencyKey {
    /// The id of what is created: new for a request without a key, else the same for the same key and `canonical_body`.
    pub fn id(&self, canonical_body: &str) -> Uuid {
        match &self.0 {
            None => new_id(),
            // The key cannot contain a line feed, so no two pairs give the same text.
            Some(key) => Uuid::new_v5(&NAMESPACE, format!("{key}\n{canonical_body}").as_bytes()),
        }
    }
}

/// A UUID of version 7, with randomness from a generator in memory: `Uuid::now_v7` would ask the system for it at each request.
fn new_id() -> Uuid {
    let (seconds, nanos) = Timestamp::now(NoContext).to_unix();
    let millis = seconds * 1_000 + u64::from(nanos) / 1_000_000;
    Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid()
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

/// How the header is described in an API that creates what `A` announces.
#[derive(Debug)]
pub struct KeyOf<A>(PhantomData<A>);

impl<A: Announcement> IntoParams for KeyOf<A> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let noun = A::NOUN;
        let a = if noun.starts_with(['a', 'e', 'i', 'o']) {
            "an"
        } else {
            "a"
        };
        let description = format!(
            "Makes repeating the request safe: the same key and body give the same {noun}. Another body is another {noun}. \
             {MIN_LENGTH} to {MAX_LENGTH} visible ASCII characters without blanks, best a random UUID: clients are not told apart, so two \
             that send the same key and body share {a} {noun}. Shorter keys are refused, since others would choose them, too."
        );
        let schema = ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .min_length(Some(MIN_LENGTH))
            .max_length(Some(MAX_LENGTH))
            .pattern(Some("^[!-~]+$"));
        let header = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .description(Some(description))
            .schema(Some(schema));
        vec![header.build()]
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
        assert_eq!(key("a").id("{}"), key("a").id("{}"));
        assert_ne!(key("a").id("{}"), key("b").id("{}"));
        assert_ne!(key("a").id("{}"), key("a").id(r#"{"title":"x"}"#));
    }

    #[test]
    fn without_a_key_every_request_is_a_new_task() {
        assert_ne!(IdempotencyKey(None).id("{}"), IdempotencyKey(None).id("{}"));
    }

    #[test]
    fn ids_from_keys_do_not_change_between_versions() {
        // A restart, or an upgrade, in the middle of a client's retries must not make a second task.
        assert_eq!(
            key("k").id(r#"{"title":"t"}"#).to_string(),
            "a383f0b2-1104-5859-85d3-d05b74e1493e"
        );
    }
}
