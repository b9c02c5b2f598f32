//! An event as the gRPC app callback brings it: the attributes that Dapr knows as fields, the others in a `Struct`, and `data`
//! as bytes whose form the content type tells (dapr/dapr `pkg/runtime/pubsub/subscriptions.go`,
//! `GRPCEnvelopeFromSubscriptionMessage`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use dapr::dapr::proto::runtime::v1::{TopicEventCeRequest, TopicEventRequest};
use prost_types::value::Kind;
use prost_types::{Struct, Value};

use super::super::payload::{Payload, Wire};
use super::{DecodeError, Envelope, Extension, ExtensionValue};
use crate::text::shown;

/// Whole numbers beyond it are not all there in a `double`, which is what a `Value` has.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The fields that a single event and an entry of a bulk delivery have in common.
struct Fields<'a> {
    id: &'a str,
    source: &'a str,
    kind: &'a str,
    spec_version: &'a str,
    content_type: &'a str,
    data: &'a [u8],
    extensions: Option<&'a Struct>,
}

impl<'a> Envelope<'a> {
    /// An event that came alone.
    pub(crate) fn of_callback(request: &'a TopicEventRequest) -> Result<Self, DecodeError> {
        let fields = Fields {
            id: &request.id,
            source: &request.source,
            kind: &request.r#type,
            spec_version: &request.spec_version,
            content_type: &request.data_content_type,
            data: &request.data,
            extensions: request.extensions.as_ref(),
        };
        fields.into_envelope(&request.pubsub_name, &request.topic)
    }

    /// One of several, through `pubsub` and `topic`.
    pub(crate) fn of_bulk_callback(
        entry: &'a TopicEventCeRequest,
        pubsub: &'a str,
        topic: &'a str,
    ) -> Result<Self, DecodeError> {
        let fields = Fields {
            id: &entry.id,
            source: &entry.source,
            kind: &entry.r#type,
            spec_version: &entry.spec_version,
            content_type: &entry.data_content_type,
            data: &entry.data,
            extensions: entry.extensions.as_ref(),
        };
        fields.into_envelope(pubsub, topic)
    }
}

impl<'a> Fields<'a> {
    fn into_envelope(self, pubsub: &'a str, topic: &'a str) -> Result<Envelope<'a>, DecodeError> {
        let require = |name, value: &'a str| given(value).ok_or(DecodeError::Attribute(name));
        if require("specversion", self.spec_version)? != "1.0" {
            return Err(DecodeError::SpecVersion(
                shown(self.spec_version).to_owned(),
            ));
        }
        let mut rest: BTreeMap<&str, &Value> = self
            .extensions
            .into_iter()
            .flat_map(|all| &all.fields)
            .map(|(name, value)| (name.as_str(), value))
            .collect();
        let mut take = |name| rest.remove(name).and_then(text);
        let trace_id = take("traceid");
        Ok(Envelope {
            id: require("id", self.id)?,
            source: require("source", self.source)?,
            kind: require("type", self.kind)?,
            subject: take("subject"),
            time: take("time"),
            data_content_type: given(self.content_type),
            // What the publisher's envelope says comes first, as in the body of a request: on a dead-letter topic it is still the
            // original one.
            pubsub_name: take("pubsubname").or(given(pubsub)),
            topic: take("topic").or(given(topic)),
            trace_parent: take("traceparent").or(trace_id),
            trace_state: take("tracestate"),
            payload: Payload::Wire(Wire::new(self.content_type, self.data)?),
            extensions: rest
                .into_iter()
                .filter(|(_, value)| !matches!(value.kind, None | Some(Kind::NullValue(_))))
                .map(|(name, value)| (Cow::Borrowed(name), Extension::Value(extension(value))))
                .collect(),
        })
    }
}

fn given(text: &str) -> Option<Cow<'_, str>> {
    (!text.is_empty()).then_some(Cow::Borrowed(text))
}

fn text(value: &Value) -> Option<Cow<'_, str>> {
    match &value.kind {
        Some(Kind::StringValue(text)) => given(text),
        _ => None,
    }
}

fn extension(value: &Value) -> ExtensionValue {
    match &value.kind {
        Some(Kind::BoolValue(value)) => ExtensionValue::Boolean(*value),
        Some(Kind::StringValue(text)) => ExtensionValue::Text(text.clone()),
        #[allow(clippy::cast_possible_truncation)] // Whole, and within what both can hold.
        Some(Kind::NumberValue(number)) if number.fract() == 0.0 && number.abs() <= EXACT => {
            ExtensionValue::Integer(*number as i64)
        }
        _ => ExtensionValue::Other(json(value).to_string()),
    }
}

fn json(value: &Value) -> serde_json::Value {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => serde_json::Value::Null,
        Some(Kind::BoolValue(value)) => (*value).into(),
        Some(Kind::NumberValue(number)) => (*number).into(),
        Some(Kind::StringValue(text)) => text.as_str().into(),
        Some(Kind::ListValue(list)) => list.values.iter().map(json).collect(),
        Some(Kind::StructValue(all)) => {
            let members = all.fields.iter();
            members
                .map(|(name, value)| (name.clone(), json(value)))
                .collect()
        }
    }
}
