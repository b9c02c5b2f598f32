//! An event as it lies in the request body.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::payload::Payload;
use super::{CloudEvent, DecodeError, ExtensionValue, misfit};
use crate::text::shown;

mod callback;

/// The envelope of an event, borrowed from the message it was sent in: the body of a request, or gRPC's `TopicEventRequest`.
///
/// Attributes are slices of the body unless they contain JSON escapes, and `data` is its JSON text,
/// found but not yet read: [`Envelope::decode`] reads it once, straight into the handler's type.
///
/// ```
/// # use dapr_pubsub::{DecodeError, Envelope};
/// # use serde::Deserialize;
/// #[derive(Deserialize)]
/// struct Task { title: String }
///
/// let body = br#"{"specversion":"1.0","id":"1","source":"task-api","type":"com.dapr.event.sent",
///                 "topic":"task-events","data":{"title":"write docs"}}"#;
/// let envelope = Envelope::parse(body)?;
/// assert_eq!(envelope.id(), "1");
/// let event = envelope.decode::<Task>()?;
/// assert_eq!(event.data.title, "write docs");
/// # Ok::<(), DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    id: Cow<'a, str>,
    source: Cow<'a, str>,
    kind: Cow<'a, str>,
    subject: Option<Cow<'a, str>>,
    time: Option<Cow<'a, str>>,
    data_content_type: Option<Cow<'a, str>>,
    pubsub_name: Option<Cow<'a, str>>,
    topic: Option<Cow<'a, str>>,
    trace_parent: Option<Cow<'a, str>>,
    trace_state: Option<Cow<'a, str>>,
    extensions: Vec<(Cow<'a, str>, Extension<'a>)>,
    payload: Payload<'a>,
}

/// An attribute that the specification does not know, as it was sent.
#[derive(Clone, Debug)]
enum Extension<'a> {
    /// As JSON text, which is read when a handler is interested.
    Json(&'a RawValue),
    /// As a value of Protocol Buffers.
    Value(ExtensionValue),
}

impl<'a> Envelope<'a> {
    /// Reads the attributes and checks the required ones.
    pub fn parse(body: &'a [u8]) -> Result<Self, DecodeError> {
        let attributes: Attributes<'a> = serde_json::from_slice(body)
            .map_err(|error| DecodeError::Json(misfit::describe(None, &error)))?;
        attributes.into_envelope()
    }

    /// `id`: never empty.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `source`: never empty.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// `type`: never empty.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// `pubsubname`, where Dapr set it.
    pub fn pubsub_name(&self) -> Option<&str> {
        self.pubsub_name.as_deref()
    }

    /// `topic`, where Dapr set it.
    pub fn topic(&self) -> Option<&str> {
        self.topic.as_deref()
    }

    /// `traceparent` and `tracestate`, where the publisher had a trace.
    pub fn trace(&self) -> Option<(&str, Option<&str>)> {
        Some((self.trace_parent.as_deref()?, self.trace_state.as_deref()))
    }

    /// The data as it was sent, in whatever form.
    pub(crate) fn payload(&self) -> &[u8] {
        self.payload.as_bytes()
    }

    /// The event with its data as a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<CloudEvent<T>, DecodeError> {
        let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
        Ok(CloudEvent {
            data: self.payload.decode(self.data_content_type.as_deref())?,
            id: self.id.to_string(),
            source: self.source.to_string(),
            kind: self.kind.to_string(),
            subject: owned(&self.subject),
            time: owned(&self.time),
            data_content_type: owned(&self.data_content_type),
            pubsub_name: owned(&self.pubsub_name),
            topic: owned(&self.topic),
            trace_parent: owned(&self.trace_parent),
            trace_state: owned(&self.trace_state),
            extensions: self.extensions(),
        })
    }

    fn extensions(&self) -> BTreeMap<String, ExtensionValue> {
        let read = |extension: &Extension<'_>| match extension {
            Extension::Json(raw) => ExtensionValue::read(raw.get()),
            Extension::Value(value) => value.clone(),
        };
        self.extensions
            .iter()
            .map(|(name, extension)| (name.to_string(), read(extension)))
            .collect()
    }
}

/// The `id` of something that is not an event, for the log line about it.
pub(crate) fn salvage_id(body: &[u8]) -> Option<String> {
    let attributes: Attributes<'_> = serde_json::from_slice(body).ok()?;
    attributes.text("id").map(Cow::into_owned)
}

/// The members of the JSON object, in the order in which they were sent; the last of a name counts.
struct Attributes<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Attributes<'a> {
    fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let mut found = None;
        self.0.retain(|(key, value)| {
            let this = key == name;
            if this {
                found = Some(*value);
            }
            !this
        });
        found.filter(|value| value.get() != "null")
    }

    fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        let (_, raw) = self.0.iter().rev().find(|(key, _)| key == name)?;
        text(raw)
    }

    fn take_text(&mut self, name: &str) -> Option<Cow<'a, str>> {
        self.take(name)
            .and_then(text)
            .filter(|text| !text.is_empty())
    }

    fn require(&mut self, name: &'static str) -> Result<Cow<'a, str>, DecodeError> {
        self.take_text(name).ok_or(DecodeError::Attribute(name))
    }

    fn into_envelope(mut self) -> Result<Envelope<'a>, DecodeError> {
        let version = self.require("specversion")?;
        if version != "1.0" {
            return Err(DecodeError::SpecVersion(shown(&version).to_owned()));
        }
        let json = self.take("data");
        let base64 = self.take("data_base64");
        let payload = match (json, base64) {
            (Some(json), _) => Payload::Json(json),
            (None, Some(base64)) => {
                Payload::Base64(text(base64).ok_or(DecodeError::Attribute("data_base64"))?)
            }
            (None, None) => Payload::Absent,
        };
        let trace_id = self.take_text("traceid");
        Ok(Envelope {
            id: self.require("id")?,
            source: self.require("source")?,
            kind: self.require("type")?,
            subject: self.take_text("subject"),
            time: self.take_text("time"),
            data_content_type: self.take_text("datacontenttype"),
            pubsub_name: self.take_text("pubsubname"),
            topic: self.take_text("topic"),
            trace_parent: self.take_text("traceparent").or(trace_id),
            trace_state: self.take_text("tracestate"),
            extensions: self
                .0
                .into_iter()
                .map(|(name, raw)| (name, Extension::Json(raw)))
                .collect(),
            payload,
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Attributes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Attributes<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                // Dapr's own envelope has twelve members.
                let mut members = Vec::with_capacity(16);
                while let Some(Text(name)) = map.next_key()? {
                    members.push((name, map.next_value()?));
                }
                Ok(Attributes(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// A JSON string, borrowed where it has no escapes. (`Cow` alone always copies: serde#1852.)
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;

        impl<'de> Visitor<'de> for Borrow {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Borrow)
    }
}

fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    Text::deserialize(&mut deserializer)
        .ok()
        .map(|Text(text)| text)
}

#[cfg(test)]
mod tests;
