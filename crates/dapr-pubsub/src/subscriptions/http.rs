//! Deliveries by HTTP: a request with one event, or with several.

use std::error::Error;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::time::{Instant, timeout_at};

use super::bulk::{self, BulkBody};
use super::delivery::Route;
use super::respond::problem;
use super::token;
use crate::cloud_event::salvage_id;
use crate::{DecodeError, Envelope, Outcome};

/// An oversized body is read to its end, up to this many times the limit, before it is answered:
/// a client that is cut off while it writes reports a broken connection instead of the answer.
const DRAIN_FACTOR: usize = 16;

/// The name of the component, which daprd puts among the broker's metadata (dapr/dapr `pkg/runtime/pubsub/subscriptions.go`,
/// `MetadataKeyPubSub`).
const PUBSUB: &str = "pubsubname";

impl<S: Clone + Send + Sync + 'static> Route<S> {
    pub(super) async fn deliver(&self, state: S, request: Request) -> Response {
        if !token::admits(&self.tokens, request.headers()) {
            tracing::warn!(
                route = self.subscription.route(),
                "a delivery without the right dapr-api-token: refused"
            );
            let text = "dapr-api-token is missing or wrong";
            let mut refusal = problem(StatusCode::UNAUTHORIZED, text);
            // RFC 9110, section 15.5.2: a 401 says what it wants.
            let scheme = HeaderValue::from_static("dapr-api-token");
            refusal
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
            return refusal;
        }
        let deadline = Instant::now() + self.limits.handler;
        let (parts, body) = request.into_parts();
        let active = self.begin(text(&parts.headers, PUBSUB).unwrap_or_default());
        let bulk = !is_cloud_event(&parts.headers);
        let limit = self.limits.message(bulk);
        let length = text(&parts.headers, header::CONTENT_LENGTH.as_str());
        let length = length
            .and_then(|length| length.parse().ok())
            .unwrap_or(limit);
        let Some(_room) = self.in_hand.acquire(length, deadline).await else {
            return Outcome::Retry.into_response();
        };
        let body = match timeout_at(deadline, read(body, limit)).await {
            Ok(Ok(body)) => body,
            Ok(Err(ReadError::TooLarge)) if bulk => {
                return problem(StatusCode::PAYLOAD_TOO_LARGE, "the bulk body is too large");
            }
            Ok(Err(ReadError::TooLarge)) => {
                return self
                    .undecodable(&DecodeError::TooLarge { limit }, None)
                    .into_response();
            }
            Ok(Err(ReadError::Broken(error))) => {
                tracing::warn!(%error, "a delivery's body broke off");
                return Outcome::Retry.into_response();
            }
            Err(_) => {
                tracing::warn!("a delivery's body did not arrive in time");
                return Outcome::Retry.into_response();
            }
        };
        if bulk && let Some(entries) = BulkBody::parse(&body) {
            return bulk::deliver(self, &active, &parts, entries, &state, deadline).await;
        }
        let unread = || (salvage_id(&body), &*body);
        let outcome = self
            .receive(
                &active,
                parts,
                Envelope::parse(&body),
                unread,
                state,
                deadline,
            )
            .await;
        outcome.into_response()
    }
}

enum ReadError {
    TooLarge,
    Broken(Box<dyn Error + Send + Sync>),
}

async fn read(mut body: Body, limit: usize) -> Result<Bytes, ReadError> {
    let error = match Limited::new(&mut body, limit).collect().await {
        // A body that came in one piece is used as it is.
        Ok(whole) => return Ok(whole.to_bytes()),
        Err(error) => error,
    };
    if !error.is::<LengthLimitError>() {
        return Err(ReadError::Broken(error));
    }
    let mut discarded = limit;
    while let Some(Ok(frame)) = body.frame().await
        && discarded <= limit.saturating_mul(DRAIN_FACTOR)
    {
        discarded += frame.data_ref().map_or(0, Bytes::len);
    }
    Err(ReadError::TooLarge)
}

/// daprd marks a single event so, and a bulk delivery as plain JSON.
fn is_cloud_event(headers: &HeaderMap) -> bool {
    text(headers, header::CONTENT_TYPE.as_str()).is_some_and(|value| {
        value
            .trim_start()
            .starts_with("application/cloudevents+json")
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
