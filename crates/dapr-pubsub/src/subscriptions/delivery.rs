//! From a request to an outcome.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, Span, field};

use super::bulk::{self, BulkBody};
use super::handler::{ErasedHandler, Handled};
use super::limits::Limits;
use super::router::problem;
use super::{Subscription, token};
use crate::cloud_event::salvage_id;
use crate::telemetry::{self, DeliveryMetrics};
use crate::{CANARY_TYPE, DecodeError, Envelope, Inbox, Outcome, Secret, canary, trace_context};

/// An oversized body is read to its end, up to this many times the limit, before it is answered:
/// a client that is cut off while it writes reports a broken connection instead of the answer.
const DRAIN_FACTOR: usize = 16;

pub(super) struct Route<S> {
    pub(super) subscription: Subscription,
    pub(super) handler: Arc<dyn ErasedHandler<S>>,
    pub(super) token: Option<Secret>,
    pub(super) canary_inbox: Option<Inbox>,
    pub(super) limits: Limits,
    pub(super) metrics: DeliveryMetrics,
}

impl<S: Clone + Send + Sync + 'static> Route<S> {
    pub(super) async fn deliver(&self, state: S, request: Request) -> Response {
        if !token::admits(self.token.as_ref(), request.headers()) {
            tracing::warn!(
                route = self.subscription.route(),
                "a delivery without the right dapr-api-token: refused"
            );
            return problem(
                StatusCode::UNAUTHORIZED,
                "dapr-api-token is missing or wrong",
            );
        }
        let deadline = Instant::now() + self.limits.handler;
        let (parts, body) = request.into_parts();
        let bulk = !is_cloud_event(&parts.headers);
        let limit = if bulk {
            self.limits.bulk_body(self.subscription.max_bulk_messages())
        } else {
            self.limits.body
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
            return bulk::deliver(self, &parts, entries, &state, deadline).await;
        }
        self.process(parts, &body, state, deadline)
            .await
            .into_response()
    }

    /// One event, alone or out of a bulk delivery.
    pub(super) async fn process(
        &self,
        parts: Parts,
        body: &[u8],
        state: S,
        deadline: Instant,
    ) -> Outcome {
        let event = match Envelope::parse(body) {
            Ok(event) => event,
            Err(error) => return self.undecodable(&error, salvage_id(body).as_deref()),
        };
        let span = self.span(&event, &parts.headers);
        let pubsub = event
            .pubsub_name()
            .filter(|name| self.subscription.knows_pubsub(name));
        let started = Instant::now();
        let handled = self
            .handle(parts, &event, state, deadline)
            .instrument(span.clone())
            .await;
        let (outcome, error) = span.in_scope(|| self.judge(handled, &event));
        span.record("dapr.pubsub.outcome", outcome.as_str());
        if let Some(error) = error {
            span.record("error.type", error);
        }
        if outcome != Outcome::Success {
            span.record("otel.status_code", "ERROR");
        }
        self.metrics.handled(
            started.elapsed(),
            self.subscription.topic(),
            pubsub.unwrap_or("unknown"),
            outcome.as_str(),
            error,
        );
        outcome
    }

    async fn handle(
        &self,
        parts: Parts,
        event: &Envelope<'_>,
        state: S,
        deadline: Instant,
    ) -> Result<Handled, Interrupted> {
        // Decoding is inside too: a `Deserialize` implementation is code like any other.
        let work = async {
            if event.kind() == CANARY_TYPE {
                let inbox = self.canary_inbox.as_ref();
                self.metrics.canary(self.subscription.topic());
                return Handled::Outcome(canary::receive(event, inbox).await);
            }
            self.handler.handle(parts, event, state).await
        };
        match timeout_at(deadline, AssertUnwindSafe(work).catch_unwind()).await {
            Ok(Ok(handled)) => Ok(handled),
            Ok(Err(panic)) => Err(Interrupted::Panicked(panic)),
            Err(_) => Err(Interrupted::TimedOut),
        }
    }

    fn judge(
        &self,
        handled: Result<Handled, Interrupted>,
        event: &Envelope<'_>,
    ) -> (Outcome, Option<&'static str>) {
        match handled {
            Ok(Handled::Outcome(outcome)) => {
                tracing::debug!(%outcome, "event handled");
                (outcome, None)
            }
            Ok(Handled::Undecodable(error)) => (
                self.undecodable(&error, Some(event.id())),
                Some(error.reason()),
            ),
            Ok(Handled::NotExtracted(status)) => {
                tracing::error!(%status, "an extractor refused, so the event could not be handled");
                (Outcome::Retry, Some("not_extracted"))
            }
            Err(Interrupted::Panicked(panic)) => {
                let panic = panic_message(panic.as_ref());
                tracing::error!(panic, "the event handler panicked");
                (Outcome::Retry, Some("panic"))
            }
            Err(Interrupted::TimedOut) => {
                let timeout = self.limits.handler;
                tracing::warn!(?timeout, "the event handler took too long");
                (Outcome::Retry, Some("timeout"))
            }
        }
    }

    fn undecodable(&self, error: &DecodeError, id: Option<&str>) -> Outcome {
        let topic = self.subscription.topic();
        tracing::warn!(topic, id, %error, reason = error.reason(), "an event that cannot be read: dropped");
        self.metrics.undecodable(topic, error.reason());
        Outcome::Drop
    }

    fn span(&self, event: &Envelope<'_>, headers: &HeaderMap) -> Span {
        let topic = self.subscription.topic();
        let span = tracing::info_span!(
            "process",
            otel.name = format!("process {topic}"),
            otel.kind = "consumer",
            otel.status_code = field::Empty,
            trace_id = field::Empty,
            messaging.destination.name = topic,
            messaging.message.id = event.id(),
            dapr.pubsub.outcome = field::Empty,
            error.type = field::Empty,
        );
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let (parent, state) = match event.trace() {
            Some((parent, state)) => (Some(parent), state),
            None => (header("traceparent"), header("tracestate")),
        };
        if let Some(remote) = parent.and_then(|parent| trace_context::parse(parent, state)) {
            telemetry::continue_trace(&span, remote);
        }
        telemetry::describe(&span, "process", event.pubsub_name());
        telemetry::name_trace(&span);
        span
    }
}

enum Interrupted {
    Panicked(Box<dyn Any + Send>),
    TimedOut,
}

enum ReadError {
    TooLarge,
    Broken(axum::Error),
}

async fn read(mut body: Body, limit: usize) -> Result<Bytes, ReadError> {
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(ReadError::Broken)?.into_data() else {
            continue;
        };
        size += data.len();
        if size > limit {
            rest = BytesMut::new();
            if size > limit.saturating_mul(DRAIN_FACTOR) {
                return Err(ReadError::TooLarge);
            }
        } else if first.is_none() {
            first = Some(data);
        } else {
            rest.extend_from_slice(&data);
        }
    }
    if size > limit {
        return Err(ReadError::TooLarge);
    }
    // Small bodies come in one piece, which is then used as it is.
    let first = first.unwrap_or_default();
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(size);
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&rest);
    Ok(whole.freeze())
}

/// daprd marks a single event so, and a bulk delivery as plain JSON.
fn is_cloud_event(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .trim_start()
                .starts_with("application/cloudevents+json")
        })
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}
