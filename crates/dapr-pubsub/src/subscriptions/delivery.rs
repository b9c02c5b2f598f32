//! From an event to an outcome, whichever way it came.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use http::HeaderMap;
use http::request::Parts;
use opentelemetry::trace::SpanContext;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, Span, field};

use super::Subscription;
use super::activity::{Active, Activity};
use super::attempts::Attempts;
use super::dead_letters::DeadLetters;
use super::handler::{ErasedHandler, Handled};
use super::in_hand::InHand;
use super::limits::Limits;
use crate::telemetry::{self, DeliveryMetrics};
use crate::text::{self, shown};
use crate::trace_context::{self, in_trace};
use crate::{CANARY_TYPE, DecodeError, Envelope, Inbox, Outcome, Secret, canary};

/// Bytes of a panic's message that are logged: it may quote what the handler was given.
const PANIC: usize = 500;

/// An extractor has refused.
const NOT_EXTRACTED: &str = "not_extracted";

pub(super) struct Route<S> {
    pub(super) subscription: Subscription,
    pub(super) handler: Arc<dyn ErasedHandler<S>>,
    pub(super) tokens: Arc<[Secret]>,
    pub(super) canary_inbox: Option<Inbox>,
    pub(super) limits: Limits,
    pub(super) attempts: Option<Arc<Attempts>>,
    pub(super) in_hand: InHand,
    pub(super) activity: Activity,
    pub(super) dead_letters: DeadLetters,
    pub(super) metrics: DeliveryMetrics,
}

impl<S: Clone + Send + Sync + 'static> Route<S> {
    /// Notes a delivery through `pubsub`, by the sidecar's word.
    pub(super) fn begin(&self, pubsub: &str) -> Active {
        let known = !pubsub.is_empty() && self.subscription.knows_pubsub(pubsub);
        let pubsub = if known { pubsub } else { "unknown" };
        self.activity.begin(pubsub, self.subscription.topic())
    }

    /// One event, alone or out of a bulk delivery, or what was not one: then `unread` tells its id, where it has one, and its bytes.
    pub(super) async fn receive<'b>(
        &self,
        active: &Active,
        parts: Parts,
        event: Result<Envelope<'_>, DecodeError>,
        unread: impl FnOnce() -> (Option<String>, &'b [u8]),
        state: S,
        deadline: Instant,
    ) -> Outcome {
        let note = |event: &[&[u8]]| {
            let topic = self.subscription.topic();
            self.dead_letters.note(active.pubsub(), topic, event);
        };
        match event {
            Ok(event) => {
                let outcome = self.process(active, parts, &event, state, deadline).await;
                if outcome != Outcome::Retry {
                    active.settled();
                }
                if outcome == Outcome::Drop {
                    let (source, id) = (event.source().as_bytes(), event.id().as_bytes());
                    note(&[source, id, event.payload()]);
                }
                outcome
            }
            Err(error) => {
                let (id, bytes) = unread();
                let id = id.filter(|id| !id.is_empty());
                let outcome = self.undecodable(&error, id.as_deref());
                if outcome == Outcome::Drop {
                    note(&[id.as_deref().unwrap_or_default().as_bytes(), bytes]);
                }
                outcome
            }
        }
    }

    async fn process(
        &self,
        active: &Active,
        parts: Parts,
        event: &Envelope<'_>,
        state: S,
        deadline: Instant,
    ) -> Outcome {
        let trace = remote(event, &parts.headers);
        let span = self.span(active, event, trace.as_ref());
        let started = Instant::now();
        let work = async {
            let handled = self.handle(parts, event, state, deadline).await;
            let (outcome, error) = self.judge(handled, event);
            (self.within_budget(event, outcome, error), error)
        };
        let (outcome, error) = in_trace(trace, work.instrument(span.clone())).await;
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
            active.pubsub(),
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
    ) -> Result<Handled, Unhandled> {
        // Decoding is inside too: a `Deserialize` implementation is code like any other.
        let work = async {
            if event.kind() == CANARY_TYPE {
                let inbox = self.canary_inbox.as_ref();
                self.metrics.canary(self.subscription.topic());
                return Ok(Handled::Outcome(canary::receive(event, inbox).await, None));
            }
            let work = self.handler.prepare(event)?;
            Ok(work(parts, state).await)
        };
        match timeout_at(deadline, AssertUnwindSafe(work).catch_unwind()).await {
            Ok(Ok(handled)) => handled.map_err(Unhandled::Undecodable),
            Ok(Err(panic)) => Err(Unhandled::Panicked(panic)),
            Err(_) => Err(Unhandled::TimedOut),
        }
    }

    fn judge(
        &self,
        handled: Result<Handled, Unhandled>,
        event: &Envelope<'_>,
    ) -> (Outcome, Option<&'static str>) {
        match handled {
            Ok(Handled::Outcome(outcome, _)) => {
                tracing::debug!(%outcome, "event handled");
                (outcome, None)
            }
            Ok(Handled::NotExtracted(status)) => {
                tracing::error!(%status, "an extractor or a layer refused, so the event could not be handled");
                (Outcome::Retry, Some(NOT_EXTRACTED))
            }
            Err(Unhandled::Undecodable(error)) => (
                self.undecodable(&error, Some(event.id())),
                Some(error.reason()),
            ),
            Err(Unhandled::Panicked(panic)) => {
                let panic = text::cut(panic_message(panic.as_ref()), PANIC);
                tracing::error!(panic, "the event handler panicked");
                (Outcome::Retry, Some("panic"))
            }
            Err(Unhandled::TimedOut) => {
                let timeout = self.limits.handler;
                tracing::warn!(?timeout, "the event handler took too long");
                (Outcome::Retry, Some("timeout"))
            }
        }
    }

    /// DROP in place of the RETRY that would be one too many. A delivery that never came to the handler is no attempt.
    fn within_budget(
        &self,
        event: &Envelope<'_>,
        outcome: Outcome,
        error: Option<&'static str>,
    ) -> Outcome {
        let Some(attempts) = &self.attempts else {
            return outcome;
        };
        let failed = outcome == Outcome::Retry && error != Some(NOT_EXTRACTED);
        if !failed {
            attempts.forget(event);
            return outcome;
        }
        match attempts.failed(event) {
            None => Outcome::Retry,
            Some(attempts) => {
                tracing::error!(
                    attempts,
                    reason = error.unwrap_or("retry"),
                    "attempts are used up: dropped"
                );
                Outcome::Drop
            }
        }
    }

    pub(super) fn undecodable(&self, error: &DecodeError, id: Option<&str>) -> Outcome {
        let topic = self.subscription.topic();
        let id = id.map(shown);
        let (outcome, reason) = (self.subscription.own.undecodable, error.reason());
        match outcome {
            Outcome::Drop => {
                tracing::warn!(topic, id, %error, reason, "an event that cannot be read: dropped");
            }
            _ => {
                tracing::warn!(topic, id, %error, reason, %outcome, "an event that cannot be read");
            }
        }
        self.metrics.undecodable(topic, reason);
        outcome
    }

    fn span(&self, active: &Active, event: &Envelope<'_>, trace: Option<&SpanContext>) -> Span {
        let topic = self.subscription.topic();
        let span = tracing::info_span!(
            "process",
            otel.name = format!("process {topic}"),
            otel.kind = "consumer",
            otel.status_code = field::Empty,
            trace_id = field::Empty,
            messaging.destination.name = topic,
            messaging.message.id = shown(event.id()),
            dapr.pubsub.outcome = field::Empty,
            error.type = field::Empty,
        );
        telemetry::continue_trace(&span, trace);
        telemetry::describe(&span, "process", active.pubsub());
        span
    }
}

/// The trace that an event belongs to: its own, or else that of its delivery.
fn remote(event: &Envelope<'_>, headers: &HeaderMap) -> Option<SpanContext> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (parent, state) = match event.trace() {
        Some((parent, state)) => (Some(parent), state),
        None => (header("traceparent"), header("tracestate")),
    };
    trace_context::parse(parent?, state)
}

enum Unhandled {
    Undecodable(DecodeError),
    Panicked(Box<dyn Any + Send>),
    TimedOut,
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}
