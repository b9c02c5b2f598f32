//! What is to be published.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use opentelemetry::trace::SpanContext;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;

use super::PublishError;
use crate::trace_context::TraceHeaders;

/// An event to publish.
///
/// daprd wraps it into a `CloudEvents` 1.0 envelope whose `source` is the app-id and whose `type` is
/// `com.dapr.event.sent`, unless they are set here.
#[derive(Clone, Debug)]
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
    /// The trace that it belongs to where the publishing span is not recorded.
    pub(super) trace: Option<SpanContext>,
}

/// Bytes of an attribute, a key or a media type. All of them together, each of its bytes percent-encoded, still fit into a head.
const LONGEST_ATTRIBUTE: usize = 1024;

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

    /// The trace that the event carries on where nothing here records spans, in place of the one that the work in hand belongs to
    /// ([`in_trace`](crate::in_trace)); where something does, the trace goes on from the caller's current span.
    #[must_use]
    pub fn with_trace(mut self, context: SpanContext) -> Self {
        self.trace = Some(context);
        self
    }

    /// What is refused here could be published, and then stand in its subscribers' way.
    ///
    /// Metadata comes back as headers of the delivery, by HTTP or gRPC, where only printable ASCII is valid (grpc-go
    /// `internal/metadata/metadata.go`, `ValidatePair`), and a head has a limit.
    pub(super) fn check(&self) -> Result<(), PublishError> {
        if self.id.is_empty() {
            return Err(PublishError::unfit("the event has no id"));
        }
        let key = self.partition_key.as_deref();
        let keyed = key.map(|key| ("partitionKey", key)).into_iter();
        let content_type = ("the content type", &*self.content_type);
        let texts = self.attributes().chain([content_type]);
        for (name, value) in texts.clone().chain(keyed) {
            if value.len() > LONGEST_ATTRIBUTE {
                return Err(PublishError::unfit(format!(
                    "{name} has {} bytes; at most {LONGEST_ATTRIBUTE} are allowed",
                    value.len()
                )));
            }
        }
        match texts.into_iter().find(|(_, value)| !is_printable(value)) {
            Some((name, _)) => Err(PublishError::unfit(format!(
                "{name} contains a character that is not printable ASCII, and could not be delivered"
            ))),
            None => Ok(()),
        }
    }

    /// What daprd reads (dapr/dapr `pkg/runtime/pubsub/cloudevents.go`) and Kafka and Pulsar do.
    pub(super) fn metadata(&self, trace: Option<&TraceHeaders>) -> HashMap<String, String> {
        let attributes = self.attributes();
        let mut metadata: HashMap<_, _> = attributes
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        metadata.extend(self.partition());
        if let Some(trace) = trace {
            metadata.insert("cloudevent.traceparent".to_owned(), trace.parent.clone());
            if let Some(state) = &trace.state {
                metadata.insert("cloudevent.tracestate".to_owned(), state.clone());
            }
        }
        metadata
    }

    /// Name and value of what Kafka and Pulsar keep in order.
    pub(super) fn partition(&self) -> Option<(String, String)> {
        let key = self.partition_key.as_deref()?;
        Some(("partitionKey".to_owned(), escaped(key)))
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
    use super::{LONGEST_ATTRIBUTE, NewEvent};
    use crate::PublishError;

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
    }

    #[test]
    fn what_could_never_be_delivered_is_not_published() {
        let fit = NewEvent::new("1", "x", "text/plain");
        fit.check().unwrap();
        for unfit in [
            NewEvent {
                id: String::new(),
                ..fit.clone()
            },
            NewEvent {
                id: "a\nb".to_owned(),
                ..fit.clone()
            },
            NewEvent {
                id: "\u{e9}".to_owned(),
                ..fit.clone()
            },
            fit.clone().with_subject("Aufgabe f\u{fc}r heute"),
            fit.clone().with_subject("x".repeat(LONGEST_ATTRIBUTE + 1)),
            fit.clone()
                .with_partition_key("x".repeat(LONGEST_ATTRIBUTE + 1)),
            NewEvent::new("1", "x", "text/plain\r\nx: y"),
            NewEvent::new("1", "x", "x".repeat(LONGEST_ATTRIBUTE + 1)),
        ] {
            assert!(
                matches!(unfit.check(), Err(PublishError::Rejected { .. })),
                "{unfit:?}"
            );
        }
        let keyed = fit.with_partition_key("50% \u{e9}\r\n");
        keyed.check().unwrap();
        assert_eq!(keyed.metadata(None)["partitionKey"], "50%25 %C3%A9%0D%0A");
    }
}
