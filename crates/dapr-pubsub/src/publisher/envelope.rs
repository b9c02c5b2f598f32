//! An event as it goes to the sidecar.

use std::collections::{BTreeMap, HashMap};
use std::str;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{NewEvent, PublishError, PublisherOptions};
use crate::trace_context::{TraceHeaders, with_remote};
use crate::{ExtensionValue, clock};

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
    /// Another topic than the publisher's.
    pub(super) topic: Option<String>,
    /// daprd makes no envelope: `data` is one that was made here, or there is to be none.
    pub(super) whole: bool,
    /// Cannot share a call with others of its publisher: it needs daprd's envelope and they do not, or the other way round.
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
    ) -> Result<Self, PublishError> {
        let trace = current
            .or_else(|| TraceHeaders::of_context(event.trace.as_ref()?))
            .or_else(|| with_remote(TraceHeaders::of_context));
        if event.raw {
            return Ok(Self {
                metadata: event.component_metadata(),
                data: event.data,
                content_type: event.content_type.into_owned(),
                topic: event.topic,
                whole: true,
                alone: options.app_id.is_none(),
                trace,
            });
        }
        let source = event
            .source
            .as_deref()
            .filter(|_| event.needs_own_envelope());
        let made = options.app_id.as_deref().or(source);
        let made = made.and_then(|app_id| Envelope::of(options, app_id, &event, trace.as_ref()));
        if let Some(data) = made {
            return Ok(Self {
                data: data.into(),
                content_type: CLOUD_EVENT.to_owned(),
                metadata: event.component_metadata(),
                topic: event.topic,
                whole: true,
                alone: options.app_id.is_none(),
                trace,
            });
        }
        if event.needs_own_envelope() {
            return Err(PublishError::unfit(
                "the event has a time or an extension, which daprd does not write: for the envelope to be made here, set \
                 PublisherOptions::app_id, or its source, and data of application/json, text/plain or application/octet-stream",
            ));
        }
        Ok(Self {
            metadata: event.metadata(trace.as_ref()),
            data: event.data,
            content_type: event.content_type.into_owned(),
            topic: event.topic,
            whole: false,
            alone: options.app_id.is_some(),
            trace,
        })
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
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
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
    #[serde(flatten)]
    extensions: &'a BTreeMap<String, ExtensionValue>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Json(&'a RawValue),
    Text(&'a str),
}

impl<'a> Envelope<'a> {
    /// As JSON; `None` for what is best left to daprd: data that is not of its media type, or an envelope already; an event that expires,
    /// which only daprd knows whether the component sees to.
    fn of(
        options: &'a PublisherOptions,
        app_id: &'a str,
        event: &'a NewEvent,
        trace: Option<&'a TraceHeaders>,
    ) -> Option<Vec<u8>> {
        if event.ttl.is_some() && !event.needs_own_envelope() {
            return None;
        }
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
            expiration: event.ttl.map(clock::rfc3339_in),
            id: &event.id,
            pubsubname: &options.pubsub,
            source: event.source.as_deref().unwrap_or(app_id),
            specversion: "1.0",
            subject: event.subject.as_deref(),
            time: event
                .time
                .and_then(clock::rfc3339_of)
                .unwrap_or_else(clock::rfc3339),
            topic: event.topic.as_deref().unwrap_or(&options.topic),
            traceid: parent,
            traceparent: parent,
            tracestate: trace.map(|trace| trace.state.as_deref().unwrap_or_default()),
            r#type: event.kind.as_deref().unwrap_or("com.dapr.event.sent"),
            extensions: &event.extensions,
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
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::trace_context;

    fn message(event: NewEvent) -> Message {
        let mut options = PublisherOptions::new("pubsub-redis", "task-events");
        options.app_id = Some("task-api".to_owned());
        Message::new(&options, event, None).unwrap()
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

    #[test]
    fn what_daprd_does_not_write_is_written_here() {
        let time = std::time::UNIX_EPOCH + Duration::from_millis(1500);
        let event = NewEvent::new("1", "{}", "application/json")
            .with_topic("elsewhere")
            .with_time(time)
            .with_ttl(Duration::from_mins(1))
            .with_extension("tenant", "acme")
            .with_extension("count", 3)
            .with_extension("urgent", true);
        let options = PublisherOptions::new("pubsub-redis", "task-events");
        let refused = Message::new(&options, event.clone(), None).unwrap_err();
        assert!(refused.to_string().contains("app_id"), "{refused}");

        // Without an app-id, its publisher's other events need daprd's envelope.
        let message = Message::new(&options, event.with_source("task-api"), None).unwrap();
        assert_eq!((message.whole, message.alone), (true, true));
        let envelope: Value = serde_json::from_slice(&message.data).unwrap();
        assert_eq!(envelope["time"], "1970-01-01T00:00:01.500000000Z");
        assert_eq!(envelope["topic"], "elsewhere");
        assert_eq!(envelope["tenant"], "acme");
        assert_eq!(
            (&envelope["count"], &envelope["urgent"]),
            (&json!(3), &json!(true))
        );
        assert!(envelope["expiration"].as_str().unwrap() > "2026");
        assert_eq!(
            message.metadata,
            [("ttlInSeconds".into(), "60".into())].into()
        );
    }

    #[test]
    fn a_raw_payload_shares_calls_with_envelopes_that_were_made_here() {
        let event = || NewEvent::new("1", "x", "text/plain").with_raw_payload();
        let raw = message(event());
        assert_eq!((&*raw.data, raw.whole, raw.alone), (&b"x"[..], true, false));
        let options = PublisherOptions::new("pubsub-redis", "task-events");
        assert!(Message::new(&options, event(), None).unwrap().alone);
    }
}
