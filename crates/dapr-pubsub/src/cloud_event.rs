//! Events as handlers see them.

mod envelope;
mod error;
mod misfit;
mod payload;

use std::collections::BTreeMap;

pub use envelope::Envelope;
pub(crate) use envelope::salvage_id;
pub use error::DecodeError;
pub use payload::Binary;
use serde::Serialize;

/// A `CloudEvents` 1.0 event whose data is a `T`
/// (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md>), with the attributes that
/// Dapr adds.
///
/// What Dapr makes of a published `{"n": 1}`:
///
/// ```json
/// {
///   "specversion": "1.0", "id": "0f3c...", "source": "task-api", "type": "com.dapr.event.sent",
///   "time": "2026-01-01T00:00:00Z", "datacontenttype": "application/json",
///   "pubsubname": "pubsub", "topic": "task-events",
///   "traceid": "00-...", "traceparent": "00-...", "tracestate": "",
///   "data": {"n": 1}
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CloudEvent<T> {
    /// `id`. With `source` it names the event: a redelivery has the same pair.
    pub id: String,
    /// `source`: by default the publisher's Dapr app-id.
    pub source: String,
    /// `type`: by default `com.dapr.event.sent`.
    pub kind: String,
    /// `subject`, where the publisher set one.
    pub subject: Option<String>,
    /// `time`, as sent (RFC 3339, the publisher's sidecar's clock).
    pub time: Option<String>,
    /// `datacontenttype`.
    pub data_content_type: Option<String>,
    /// `pubsubname`: the component the event came through.
    pub pubsub_name: Option<String>,
    /// `topic` it was published to. On a dead-letter topic this is still the original one.
    pub topic: Option<String>,
    /// `traceparent` (or Dapr's older `traceid`) of the publisher. The delivery's span continues it.
    pub trace_parent: Option<String>,
    /// `tracestate` of the publisher.
    pub trace_state: Option<String>,
    /// Every other attribute, by name.
    pub extensions: BTreeMap<String, ExtensionValue>,
    /// The payload: `data`, or `data_base64` decoded.
    pub data: T,
}

/// The value of an extension attribute.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ExtensionValue {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any of the specification's types that travel as strings.
    Text(String),
    /// Something the specification does not allow, as the JSON text it was sent as.
    Other(String),
}

impl From<bool> for ExtensionValue {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i32> for ExtensionValue {
    fn from(value: i32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<&str> for ExtensionValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for ExtensionValue {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl ExtensionValue {
    fn read(json: &str) -> Self {
        None.or_else(|| serde_json::from_str(json).map(Self::Boolean).ok())
            .or_else(|| serde_json::from_str(json).map(Self::Integer).ok())
            .or_else(|| serde_json::from_str(json).map(Self::Text).ok())
            .unwrap_or_else(|| Self::Other(json.to_owned()))
    }

    /// The value of a `Text`.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}
