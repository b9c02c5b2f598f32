//! What is to be published.

// The time of an event is a wall clock's.
#![allow(clippy::disallowed_types)]

mod check;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use opentelemetry::trace::SpanContext;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;

use super::PublishError;
use crate::ExtensionValue;
use crate::trace_context::TraceHeaders;

/// An event to publish.
///
/// daprd wraps it into a `CloudEvents` 1.0 envelope whose `source` is the app-id and whose `type` is
/// `com.dapr.event.sent`, unless they are set here.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use dapr_pubsub::{NewEvent, PublishError};
///
/// # fn example(ordered_at: SystemTime) -> Result<NewEvent, PublishError> {
/// let event = NewEvent::json("0f3c", &serde_json::json!({ "product": "cup" }))?
///     .with_topic("order-events-eu")
///     .with_kind("order.created")
///     .with_subject("orders/0f3c")
///     .with_time(ordered_at)
///     .with_extension("tenant", "acme")
///     .with_extension("attempt", 1)
///     .with_ttl(Duration::from_secs(3600))
///     .with_metadata("priority", "5"); // what this component understands
/// # Ok(event)
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewEvent {
    /// `id` of the envelope. Choose it where the event is decided on, not where it is sent: all
    /// attempts carry it, and with it a subscriber recognises an event it has seen. Not empty; like every attribute printable ASCII
    /// and at most 1024 bytes.
    pub id: String,
    /// The payload.
    pub data: Bytes,
    /// Its media type. JSON is embedded in the envelope, `application/octet-stream` goes as base64,
    /// anything else as a string. `application/cloudevents+json` means that `data` *is* the
    /// envelope: then it has to contain the id itself, and what is set here is not used.
    pub content_type: Cow<'static, str>,
    /// Events with the same key keep their order on brokers that have partitions (Kafka, Pulsar), as
    /// long as each is published after the result of the one before.
    pub partition_key: Option<String>,
    /// `source` of the envelope instead of the app-id.
    pub source: Option<String>,
    /// `type` of the envelope.
    pub kind: Option<String>,
    /// `subject` of the envelope.
    pub subject: Option<String>,
    /// The topic instead of the publisher's own. Events of one topic share calls, so each further topic has calls of its own.
    pub topic: Option<String>,
    /// `time` of the envelope instead of that of the publishing; in the years 1970 to 9999. daprd does not let it be set, so the envelope is
    /// made here, as it is with [`extensions`](Self::extensions).
    pub time: Option<SystemTime>,
    /// Further attributes of the envelope, by name: letters `a` to `z` and digits, none that the specification or Dapr uses. Texts as the
    /// other attributes, whole numbers of 32 bits.
    ///
    /// daprd writes none, so the envelope is made here. That takes [`app_id`](crate::PublisherOptions::app_id) or
    /// [`source`](Self::source), and data that is JSON, `text/plain` or `application/octet-stream`.
    pub extensions: BTreeMap<String, ExtensionValue>,
    /// How long it is of use, in whole seconds, rounded up (Dapr's `ttlInSeconds`). Where the broker does not see to it, the subscriber's
    /// sidecar does by the envelope's `expiration`: afterwards the event goes to the dead letters instead of the handler. daprd makes
    /// the envelope of such an event where it can, so beside [`app_id`](crate::PublisherOptions::app_id) it has a call of its own.
    pub ttl: Option<Duration>,
    /// Without an envelope (Dapr's `rawPayload`), for programs that read the topic without Dapr: `data` is all there is, so no attribute
    /// but the partition key and the metadata may be set, and a subscriber through Dapr cannot recognise a redelivery.
    pub raw: bool,
    /// What this component understands beyond that, such as `priority` on `RabbitMQ`; printable ASCII, at most 1024 bytes in all.
    /// Never what has a field of its own here.
    pub metadata: BTreeMap<String, String>,
    /// The trace that it belongs to where the publishing span is not recorded.
    pub(super) trace: Option<SpanContext>,
}

impl NewEvent {
    /// An event whose data is `data` as JSON.
    pub fn json(id: impl Into<String>, data: &impl Serialize) -> Result<Self, PublishError> {
        let data = serde_json::to_vec(data).map_err(PublishError::Encode)?;
        Ok(Self::new(id, data, "application/json"))
    }

    /// An event with any payload.
    pub fn new(
        id: impl Into<String>,
        data: impl Into<Bytes>,
        content_type: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            id: id.into(),
            data: data.into(),
            content_type: content_type.into(),
            partition_key: None,
            source: None,
            kind: None,
            subject: None,
            topic: None,
            time: None,
            extensions: BTreeMap::new(),
            ttl: None,
            raw: false,
            metadata: BTreeMap::new(),
            trace: None,
        }
    }

    /// Sets [`partition_key`](Self::partition_key).
    #[must_use]
    pub fn with_partition_key(mut self, key: impl Into<String>) -> Self {
        self.partition_key = Some(key.into());
        self
    }

    /// Sets [`kind`](Self::kind).
    #[must_use]
    pub fn with_kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Sets [`subject`](Self::subject).
    #[must_use]
    pub fn with_subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Sets [`source`](Self::source).
    #[must_use]
    pub fn with_source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Sets [`topic`](Self::topic).
    #[must_use]
    pub fn with_topic(mut self, topic: impl Into<String>) -> Self {
        self.topic = Some(topic.into());
        self
    }

    /// Sets [`time`](Self::time).
    #[must_use]
    pub fn with_time(mut self, time: SystemTime) -> Self {
        self.time = Some(time);
        self
    }

    /// Adds one of the [`extensions`](Self::extensions).
    #[must_use]
    pub fn with_extension(
        mut self,
        name: impl Into<String>,
        value: impl Into<ExtensionValue>,
    ) -> Self {
        self.extensions.insert(name.into(), value.into());
        self
    }

    /// Sets [`ttl`](Self::ttl).
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Sets [`raw`](Self::raw).
    ///
    /// ```
    /// # use dapr_pubsub::NewEvent;
    /// let reading = NewEvent::new("7", vec![0x2a, 0x07], "application/octet-stream").with_raw_payload();
    /// assert!(reading.raw);
    /// ```
    #[must_use]
    pub fn with_raw_payload(mut self) -> Self {
        self.raw = true;
        self
    }

    /// Adds to the [`metadata`](Self::metadata).
    #[must_use]
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// The trace that the event carries on where nothing here records spans, in place of the one that the work in hand belongs to
    /// ([`in_trace`](crate::in_trace)); where something does, the trace goes on from the caller's current span.
    #[must_use]
    pub fn with_trace(mut self, context: SpanContext) -> Self {
        self.trace = Some(context);
        self
    }

    /// What daprd reads (dapr/dapr `pkg/runtime/pubsub/cloudevents.go`), and what the component does.
    pub(super) fn metadata(&self, trace: Option<&TraceHeaders>) -> HashMap<String, String> {
        let mut metadata = self.component_metadata();
        let attributes = self.attributes();
        metadata.extend(attributes.map(|(name, value)| (name.to_owned(), value.to_owned())));
        if let Some(trace) = trace {
            metadata.insert("cloudevent.traceparent".to_owned(), trace.parent.clone());
            if let Some(state) = &trace.state {
                metadata.insert("cloudevent.tracestate".to_owned(), state.clone());
            }
        }
        metadata
    }

    /// What is for the component: what Kafka and Pulsar keep in order by, how long the event is of use, and what only this component
    /// knows.
    pub(super) fn component_metadata(&self) -> HashMap<String, String> {
        let key = self.partition_key.as_deref();
        let key = key.map(|key| ("partitionKey".to_owned(), escaped(key)));
        let ttl = self
            .ttl_seconds()
            .map(|seconds| ("ttlInSeconds".to_owned(), seconds.to_string()));
        let own = self.metadata.clone().into_iter();
        own.chain(key).chain(ttl).collect()
    }

    /// daprd reads whole seconds.
    pub(super) fn ttl_seconds(&self) -> Option<u64> {
        let ttl = crate::clock::bounded(self.ttl?);
        Some(ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0))
    }

    /// An attribute is set that daprd would not write.
    pub(super) fn needs_own_envelope(&self) -> bool {
        self.time.is_some() || !self.extensions.is_empty()
    }

    fn attributes(&self) -> impl Iterator<Item = (&'static str, &str)> + Clone {
        let optional = [
            ("cloudevent.source", &self.source),
            ("cloudevent.type", &self.kind),
            ("cloudevent.subject", &self.subject),
        ];
        let optional = optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)));
        std::iter::once(("cloudevent.id", self.id.as_str())).chain(optional)
    }
}

/// What gRPC metadata cannot carry, and the sign of the encoding itself.
const UNPRINTABLE: &AsciiSet = &CONTROLS.add(b'%');

fn is_printable(value: &str) -> bool {
    value.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

/// Percent-encoded where it must be. A key only says what belongs together, so another spelling does as well.
fn escaped(key: &str) -> String {
    if is_printable(key) {
        return key.to_owned();
    }
    utf8_percent_encode(key, UNPRINTABLE).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::NewEvent;

    #[test]
    fn metadata_is_what_dapr_reads() {
        let event = NewEvent::json("1", &"x")
            .unwrap()
            .with_partition_key("k")
            .with_kind("made");
        let metadata = event.metadata(None);
        assert_eq!(metadata["cloudevent.id"], "1");
        assert_eq!(metadata["cloudevent.type"], "made");
        assert_eq!(metadata["partitionKey"], "k");
        assert_eq!(metadata.len(), 3);
        let event = event
            .with_ttl(Duration::from_millis(1500))
            .with_metadata("priority", "5");
        let metadata = event.metadata(None);
        assert_eq!(metadata["ttlInSeconds"], "2");
        assert_eq!(metadata["priority"], "5");
        assert_eq!(metadata.len(), 5);
    }
}
