//! An event as it goes to the sidecar.

use std::collections::HashMap;
use std::str;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{NewEvent, PublisherOptions};
use crate::clock;
use crate::trace_context::{TraceHeaders, with_remote};

/// A payload that daprd makes no envelope for (dapr/dapr `pkg/api/grpc/grpc.go`, `PublishEvent` and `bulkPublishEvent`).
pub(super) const RAW_PAYLOAD: &str = "rawPayload";

/// The media type of an envelope.
const CLOUD_EVENT: &str = "application/cloudevents+json";

/// What daprd is sent.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) data: Bytes,
    pub(super) content_type: String,
    pub(super) metadata: HashMap<String, String>,
    /// `data` is an envelope that was made here.
    pub(super) whole: bool,
    /// Cannot share a call with others of its publisher: it needs daprd's envelope, and they do not.
    pub(super) alone: bool,
    /// The trace that the event belongs to.
    pub(super) trace: Option<TraceHeaders>,
}

impl Message {
    /// `current` is the trace of the publishing span, where spans are recorded.
    pub(super) fn new(
        options: &PublisherOptions,
        event: NewEvent,
        current: Option<TraceHeaders>,
    ) -> Self {
        let trace = current
            .or_else(|| TraceHeaders::of_context(event.trace.as_ref()?))
            .or_else(|| with_remote(TraceHeaders::of_context));
        let made = options.app_id.as_deref();
        let made = made.and_then(|app_id| Envelope::of(options, app_id, &event, trace.as_ref()));
        if let Some(data) = made {
            return Self {
                data: data.into(),
                content_type: CLOUD_EVENT.to_owned(),
                metadata: event.partition().into_iter().collect(),
                whole: true,
                alone: false,
                trace,
            };
        }
        Self {
            metadata: event.metadata(trace.as_ref()),
            data: event.data,
            content_type: event.content_type.into_owned(),
            whole: false,
            alone: options.app_id.is_some(),
            trace,
        }
    }
}

/// The attributes that daprd writes, in its order (components-contrib `pubsub/envelope.go`, `NewCloudEventsEnvelope`).
#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
    datacontenttype: &'a str,
    id: &'a str,
    pubsubname: &'a str,
    source: &'a str,
    specversion: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    time: String,
    topic: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracestate: Option<&'a str>,
    r#type: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Json(&'a RawValue),
    Text(&'a str),
}

impl<'a> Envelope<'a> {
    /// As JSON; `None` for data that is best left to daprd: not of its media type, or an envelope already.
    fn of(
        options: &'a PublisherOptions,
        app_id: &'a str,
        event: &'a NewEvent,
        trace: Option<&'a TraceHeaders>,
    ) -> Option<Vec<u8>> {
        let essence = event.content_type.split(';').next().unwrap_or_default();
        let is = |media_type: &str| essence.trim().eq_ignore_ascii_case(media_type);
        let (data, data_base64) = if is("application/json") {
            let json = serde_json::from_slice(&event.data).ok()?;
            (Some(Data::Json(json)), None)
        } else if is("text/plain") {
            (Some(Data::Text(str::from_utf8(&event.data).ok()?)), None)
        } else if is("application/octet-stream") {
            (None, Some(STANDARD.encode(&event.data)))
        } else {
            return None;
        };
        let parent = trace.map(|trace| trace.parent.as_str());
        let envelope = Self {
            data,
            data_base64,
            datacontenttype: &event.content_type,
            id: &event.id,
            pubsubname: &options.pubsub,
            source: event.source.as_deref().unwrap_or(app_id),
            specversion: "1.0",
            subject: event.subject.as_deref(),
            time: clock::rfc3339(),
            topic: &options.topic,
            traceid: parent,
            traceparent: parent,
            tracestate: trace.map(|trace| trace.state.as_deref().unwrap_or_default()),
            r#type: event.kind.as_deref().unwrap_or("com.dapr.event.sent"),
        };
        let mut json = Vec::with_capacity(event.data.len() * 4 / 3 + ATTRIBUTES);
        serde_json::to_writer(&mut json, &envelope).ok()?;
        Some(json)
    }
}

/// Bytes of an envelope without its data, most often.
const ATTRIBUTES: usize = 640;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::trace_context;

    fn message(event: NewEvent) -> Message {
        let mut options = PublisherOptions::new("pubsub-redis", "task-events");
        options.app_id = Some("task-api".to_owned());
        Message::new(&options, event, None)
    }

    #[test]
    fn an_envelope_has_what_daprd_would_have_written() {
        let event = NewEvent::new("1", r#"{"n":9007199254740993,"f":1.0}"#, "application/json");
        let message = message(event.with_partition_key("k"));
        let text = str::from_utf8(&message.data).unwrap();
        let (before, time) = text.split_once(r#""time":""#).unwrap();
        assert_eq!(
            before,
            r#"{"data":{"n":9007199254740993,"f":1.0},"datacontenttype":"application/json","id":"1","pubsubname":"pubsub-redis","source":"task-api","specversion":"1.0","#
        );
        let (time, after) = time.split_once('"').unwrap();
        assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
        assert_eq!(
            after,
            r#","topic":"task-events","type":"com.dapr.event.sent"}"#
        );
        assert_eq!((message.whole, message.alone), (true, false));
        assert_eq!(
            message.metadata,
            [("partitionKey".into(), "k".into())].into()
        );
    }

    #[test]
    fn the_trace_of_the_request_is_carried_on_where_no_span_is_recorded() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = trace_context::parse(parent, Some("vendor=a")).unwrap();
        let message = message(NewEvent::new("1", "{}", "application/json").with_trace(context));
        let envelope: Value = serde_json::from_slice(&message.data).unwrap();
        for (attribute, value) in [
            ("traceid", parent),
            ("traceparent", parent),
            ("tracestate", "vendor=a"),
        ] {
            assert_eq!(envelope[attribute], value);
        }
    }

    #[test]
    fn data_goes_in_by_its_media_type() {
        let data = |data: &'static [u8], media_type: &'static str| {
            let message = message(NewEvent::new("1", data, media_type).with_kind("made"));
            let envelope: Value = serde_json::from_slice(&message.data).unwrap();
            assert_eq!((&envelope["type"], message.whole), (&json!("made"), true));
            [envelope["data"].clone(), envelope["data_base64"].clone()]
        };
        assert_eq!(
            data(b"1.50 ", "Application/JSON; x=y"),
            [json!(1.5), Value::Null]
        );
        assert_eq!(
            data(b"a\"b\n", "text/plain"),
            [json!("a\"b\n"), Value::Null]
        );
        assert_eq!(
            data(b"\xff", "application/octet-stream"),
            [Value::Null, json!("/w==")]
        );
    }

    #[test]
    fn what_daprd_does_better_is_left_to_it() {
        for (data, media_type) in [
            ("{", "application/json"),
            ("{}", "application/cloudevents+json"),
            ("x", "application/x-protobuf"),
        ] {
            let message = message(NewEvent::new("1", data, media_type));
            assert_eq!(
                (message.whole, message.alone),
                (false, true),
                "{media_type}"
            );
            assert_eq!(
                (&*message.data, &*message.content_type),
                (data.as_bytes(), media_type)
            );
            assert_eq!(message.metadata["cloudevent.id"], "1");
        }
    }
}
