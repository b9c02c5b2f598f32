//! Names and instruments, after OpenTelemetry's semantic conventions for messaging
//! (<https://opentelemetry.io/docs/specs/semconv/messaging/>). `dapr` is not among the well-known
//! values of `messaging.system`, which may be extended: the broker behind the sidecar is exactly
//! what this process does not know.
//!
//! Instruments are taken from the global meter when a publisher, router or inbox is built, so the
//! meter provider has to be installed before.

use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram, Meter};
use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceId};
use opentelemetry::{Context, KeyValue, global};
use tracing::Span;

use crate::Activity;
use tracing_opentelemetry::{OpenTelemetrySpanExt as _, SetParentError};

pub(crate) const SYSTEM: &str = "dapr";

/// Seconds; from a local broker's fraction of a millisecond to daprd's retry budget.
const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

fn meter() -> Meter {
    global::meter("dapr-pubsub")
}

/// Makes `remote` the parent of `span`, which must not have been entered yet, and writes the trace's id into its field `trace_id`, where log
/// lines show it. Where nothing records spans, that is all.
pub(crate) fn continue_trace(span: &Span, remote: Option<&SpanContext>) {
    if span.is_disabled() {
        return;
    }
    let mut trace_id = remote.map(SpanContext::trace_id);
    if let Some(remote) = remote
        && let Err(error @ SetParentError::AlreadyStarted) =
            span.set_parent(Context::new().with_remote_span_context(remote.clone()))
    {
        tracing::error!(%error, "a delivery's span was entered before its parent was known");
    }
    let context = span.context();
    let recorded = context.span().span_context().trace_id();
    if recorded != TraceId::INVALID {
        trace_id = Some(recorded);
    }
    if let Some(trace_id) = trace_id {
        span.record("trace_id", tracing::field::display(trace_id));
    }
}

/// Attributes that are the same for every event of a kind: for traces, where they are looked for, and
/// not as fields, which every log line inside the span would repeat.
pub(crate) fn describe(span: &Span, operation: &'static str, pubsub: &str) {
    if span.is_disabled() {
        return;
    }
    span.set_attribute("messaging.system", SYSTEM);
    span.set_attribute("messaging.operation.type", operation);
    span.set_attribute("messaging.operation.name", operation);
    span.set_attribute("dapr.pubsub.name", pubsub.to_owned());
}

/// What a publisher counts.
#[derive(Clone, Debug)]
pub(crate) struct PublishMetrics {
    sent: Counter<u64>,
    duration: Histogram<f64>,
    attempts: Counter<u64>,
    attributes: [KeyValue; 3],
}

impl PublishMetrics {
    pub(crate) fn new(topic: &str) -> Self {
        let meter = meter();
        Self {
            sent: meter
                .u64_counter("messaging.client.sent.messages")
                .with_unit("{message}")
                .with_description("Events whose publish call ended, by error.type if it failed")
                .build(),
            duration: meter
                .f64_histogram("messaging.client.operation.duration")
                .with_unit("s")
                .with_description("From publish() to its result, waiting and retries included")
                .with_boundaries(SECONDS.to_vec())
                .build(),
            attempts: meter
                .u64_counter("dapr.pubsub.publish.calls")
                .with_unit("{call}")
                .with_description("Calls to the sidecar, by kind and gRPC status")
                .build(),
            attributes: attributes("send", topic),
        }
    }

    /// `other` is a topic that is not the publisher's.
    pub(crate) fn ended(
        &self,
        other: Option<&str>,
        elapsed: Duration,
        error: Option<&'static str>,
    ) {
        let other = other.map(|topic| attributes("send", topic));
        let own = other.as_ref().unwrap_or(&self.attributes);
        let count = |attributes: &[KeyValue]| {
            self.sent.add(1, attributes);
            self.duration.record(elapsed.as_secs_f64(), attributes);
        };
        match error {
            None => count(own),
            Some(kind) => {
                let mut attributes = own.to_vec();
                attributes.push(KeyValue::new("error.type", kind));
                count(&attributes);
            }
        }
    }

    pub(crate) fn called(&self, topic: &str, kind: &'static str, code: &'static str) {
        let mut attributes = attributes("send", topic).to_vec();
        attributes.push(KeyValue::new("dapr.pubsub.call", kind));
        attributes.push(KeyValue::new("rpc.response.status_code", code));
        self.attempts.add(1, &attributes);
    }

    /// Has the events that wait counted when somebody asks; a counter for each would cost what it counts. `count` is asked as long as
    /// the meter lives, and has nothing to say when its publisher is gone.
    pub(crate) fn observe_queue(&self, count: impl Fn() -> Option<usize> + Send + Sync + 'static) {
        let attributes = self.attributes.clone();
        let _ = meter()
            .u64_observable_gauge("dapr.pubsub.publish.queued")
            .with_unit("{message}")
            .with_description("Events that wait for a call or for their next attempt")
            .with_callback(move |gauge| {
                if let Some(count) = count() {
                    gauge.observe(count as u64, &attributes);
                }
            })
            .build();
    }
}

/// What a subscriber counts.
#[derive(Clone, Debug)]
pub(crate) struct DeliveryMetrics {
    duration: Histogram<f64>,
    outcomes: Counter<u64>,
    undecodable: Counter<u64>,
    canaries: Counter<u64>,
}

impl DeliveryMetrics {
    pub(crate) fn new(activity: &Activity) -> Self {
        let meter = meter();
        let activity = activity.clone();
        // A gauge that is asked lives as long as the meter.
        let _ = meter
            .f64_observable_gauge("dapr.pubsub.delivery.last")
            .with_unit("s")
            .with_description("When something was last delivered, in seconds since 1970")
            .with_callback(move |gauge| {
                for (pubsub, topic, at) in activity.last() {
                    let mut attributes = attributes("process", &topic).to_vec();
                    attributes.push(KeyValue::new("dapr.pubsub.name", pubsub));
                    gauge.observe(at, &attributes);
                }
            })
            .build();
        Self {
            duration: meter
                .f64_histogram("messaging.process.duration")
                .with_unit("s")
                .with_description("Time in the event handler")
                .with_boundaries(SECONDS.to_vec())
                .build(),
            outcomes: meter
                .u64_counter("dapr.pubsub.deliveries")
                .with_unit("{message}")
                .with_description("Delivered events by outcome")
                .build(),
            undecodable: meter
                .u64_counter("dapr.pubsub.decode.failures")
                .with_unit("{message}")
                .with_description("Events that could not be read")
                .build(),
            canaries: meter
                .u64_counter("dapr.pubsub.canaries")
                .with_unit("{message}")
                .with_description(
                    "Canaries that were delivered; dapr.pubsub.deliveries counts them too",
                )
                .build(),
        }
    }

    pub(crate) fn handled(
        &self,
        elapsed: Duration,
        topic: &str,
        pubsub: &str,
        outcome: &'static str,
        error: Option<&'static str>,
    ) {
        let mut attributes = Vec::with_capacity(6);
        attributes.extend(self::attributes("process", topic));
        attributes.extend(error.map(|kind| KeyValue::new("error.type", kind)));
        self.duration.record(elapsed.as_secs_f64(), &attributes);
        attributes.push(KeyValue::new("dapr.pubsub.name", pubsub.to_owned()));
        attributes.push(KeyValue::new("dapr.pubsub.outcome", outcome));
        self.outcomes.add(1, &attributes);
    }

    pub(crate) fn canary(&self, topic: &str) {
        self.canaries.add(1, &attributes("process", topic));
    }

    pub(crate) fn undecodable(&self, topic: &str, reason: &'static str) {
        let mut attributes = attributes("process", topic).to_vec();
        attributes.push(KeyValue::new("error.type", reason));
        self.undecodable.add(1, &attributes);
    }
}

/// What an inbox counts.
#[derive(Clone, Debug)]
pub(crate) struct InboxMetrics {
    claims: Counter<u64>,
    lost: Counter<u64>,
    consumer: KeyValue,
}

impl InboxMetrics {
    pub(crate) fn new(consumer: &str) -> Self {
        let meter = meter();
        Self {
            claims: meter
                .u64_counter("dapr.pubsub.inbox.claims")
                .with_unit("{claim}")
                .with_description("Claims by result: fresh, again, taken_over, done, busy, exhausted, unavailable")
                .build(),
            lost: meter
                .u64_counter("dapr.pubsub.inbox.leases.lost")
                .with_unit("{lease}")
                .with_description("Leases that ended before the work did: it may run twice")
                .build(),
            consumer: KeyValue::new("messaging.consumer.group.name", consumer.to_owned()),
        }
    }

    pub(crate) fn claimed(&self, result: &'static str) {
        let result = KeyValue::new("dapr.pubsub.inbox.result", result);
        self.claims.add(1, &[self.consumer.clone(), result]);
    }

    pub(crate) fn lost(&self) {
        self.lost.add(1, std::slice::from_ref(&self.consumer));
    }
}

/// What a watchdog counts.
#[derive(Clone, Debug)]
pub(crate) struct WatchdogMetrics {
    canaries: Counter<u64>,
    restarts: Counter<u64>,
}

impl WatchdogMetrics {
    pub(crate) fn new() -> Self {
        let meter = meter();
        Self {
            canaries: meter
                .u64_counter("dapr.pubsub.watchdog.canaries")
                .with_unit("{message}")
                .with_description("Canaries sent because nothing was delivered for a while")
                .build(),
            restarts: meter
                .u64_counter("dapr.pubsub.watchdog.restarts")
                .with_unit("{restart}")
                .with_description(
                    "Times the sidecar was told to restart because a canary did not come",
                )
                .build(),
        }
    }

    pub(crate) fn asked(&self, pubsub: &str, topic: &str) {
        self.canaries.add(1, &Self::way(pubsub, topic));
    }

    pub(crate) fn restarted(&self, pubsub: &str, topic: &str) {
        self.restarts.add(1, &Self::way(pubsub, topic));
    }

    fn way(pubsub: &str, topic: &str) -> [KeyValue; 2] {
        [
            KeyValue::new("dapr.pubsub.name", pubsub.to_owned()),
            KeyValue::new("messaging.destination.name", topic.to_owned()),
        ]
    }
}

fn attributes(operation: &'static str, topic: &str) -> [KeyValue; 3] {
    [
        KeyValue::new("messaging.system", SYSTEM),
        KeyValue::new("messaging.operation.name", operation),
        KeyValue::new("messaging.destination.name", topic.to_owned()),
    ]
}
