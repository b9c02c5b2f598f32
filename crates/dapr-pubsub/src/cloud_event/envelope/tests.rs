use std::borrow::Cow;

use serde::Deserialize;

use super::{Envelope, salvage_id};
use crate::{Binary, DecodeError, ExtensionValue};

#[derive(Debug, PartialEq, Deserialize)]
struct Task {
    title: String,
}

const SENT_BY_DAPR: &[u8] = br#"{"data":{"title":"a"},"datacontenttype":"application/json",
    "id":"i1","pubsubname":"pubsub","source":"task-api","specversion":"1.0",
    "time":"2026-01-01T00:00:00Z","topic":"task-events",
    "traceid":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","tracestate":"",
    "type":"com.dapr.event.sent","tenant":"blue","attempt":3,"canary":true,"odd":{"a":1}}"#;

fn with(attribute: &str) -> Vec<u8> {
    format!(r#"{{"specversion":"1.0","id":"1","source":"s","type":"t",{attribute}}}"#).into_bytes()
}

#[test]
fn reads_what_dapr_sends() {
    let event = Envelope::parse(SENT_BY_DAPR)
        .unwrap()
        .decode::<Task>()
        .unwrap();
    assert_eq!(event.id, "i1");
    assert_eq!(event.source, "task-api");
    assert_eq!(event.kind, "com.dapr.event.sent");
    assert_eq!(event.topic.as_deref(), Some("task-events"));
    assert_eq!(event.pubsub_name.as_deref(), Some("pubsub"));
    assert_eq!(event.trace_state, None);
    assert!(event.trace_parent.unwrap().starts_with("00-0af7"));
    assert_eq!(
        event.data,
        Task {
            title: "a".to_owned()
        }
    );
    assert_eq!(
        event.extensions["tenant"],
        ExtensionValue::Text("blue".to_owned())
    );
    assert_eq!(event.extensions["attempt"], ExtensionValue::Integer(3));
    assert_eq!(event.extensions["canary"], ExtensionValue::Boolean(true));
    assert_eq!(
        event.extensions["odd"],
        ExtensionValue::Other(r#"{"a":1}"#.to_owned())
    );
    assert_eq!(event.extensions.len(), 4);
}

#[test]
fn attributes_are_slices_of_the_body() {
    let envelope = Envelope::parse(SENT_BY_DAPR).unwrap();
    assert!(matches!(envelope.id, Cow::Borrowed(_)));
    assert!(matches!(envelope.trace_parent, Some(Cow::Borrowed(_))));
    let escaped = with(r#""subject":"a\u00e9""#);
    assert_eq!(
        Envelope::parse(&escaped).unwrap().subject.as_deref(),
        Some("aé")
    );
}

#[test]
fn refuses_what_is_no_event() {
    for bad in ["", "[]", "\"x\"", "{", "null", "{\"id\":1"] {
        assert!(
            matches!(Envelope::parse(bad.as_bytes()), Err(DecodeError::Json(_))),
            "{bad}"
        );
    }
    assert!(matches!(
        Envelope::parse(b"\xff{}"),
        Err(DecodeError::Json(_))
    ));
    for (missing, body) in [
        ("specversion", r#"{"id":"1","source":"s","type":"t"}"#),
        ("id", r#"{"specversion":"1.0","source":"s","type":"t"}"#),
        (
            "id",
            r#"{"specversion":"1.0","id":7,"source":"s","type":"t"}"#,
        ),
        (
            "source",
            r#"{"specversion":"1.0","id":"1","source":"","type":"t"}"#,
        ),
        (
            "type",
            r#"{"specversion":"1.0","id":"1","source":"s","type":null}"#,
        ),
    ] {
        let error = Envelope::parse(body.as_bytes()).unwrap_err();
        assert!(
            matches!(error, DecodeError::Attribute(name) if name == missing),
            "{error}"
        );
    }
    let body = br#"{"specversion":"0.3","id":"1","source":"s","type":"t"}"#;
    assert!(matches!(
        Envelope::parse(body),
        Err(DecodeError::SpecVersion(_))
    ));
}

#[test]
fn data_comes_in_two_forms_or_not_at_all() {
    let json = with(r#""data":{"title":"a"}"#);
    assert_eq!(
        Envelope::parse(&json)
            .unwrap()
            .decode::<Task>()
            .unwrap()
            .data
            .title,
        "a"
    );
    let text = with(r#""data":"plain""#);
    assert_eq!(
        Envelope::parse(&text)
            .unwrap()
            .decode::<String>()
            .unwrap()
            .data,
        "plain"
    );
    // {"title":"a"}
    let base64 = with(r#""data_base64":"eyJ0aXRsZSI6ImEifQ==""#);
    let envelope = Envelope::parse(&base64).unwrap();
    assert_eq!(envelope.decode::<Task>().unwrap().data.title, "a");
    assert_eq!(
        envelope.decode::<Binary>().unwrap().data.0,
        br#"{"title":"a"}"#.as_slice()
    );
    let none = with(r#""subject":"x""#);
    let envelope = Envelope::parse(&none).unwrap();
    assert_eq!(envelope.decode::<Option<Task>>().unwrap().data, None);
    envelope.decode::<()>().unwrap();
    assert!(matches!(
        envelope.decode::<Task>(),
        Err(DecodeError::Data(_))
    ));
}

#[test]
fn bad_data_is_an_error_of_its_own() {
    let wrong = with(r#""data":{"title":1}"#);
    assert!(matches!(
        Envelope::parse(&wrong).unwrap().decode::<Task>(),
        Err(DecodeError::Data(_))
    ));
    let no_base64 = with(r#""data_base64":"***""#);
    let decoded = Envelope::parse(&no_base64).unwrap().decode::<Binary>();
    assert!(matches!(decoded, Err(DecodeError::Base64)));
    let number = with(r#""data_base64":5"#);
    assert!(matches!(
        Envelope::parse(&number),
        Err(DecodeError::Attribute("data_base64"))
    ));
}

#[test]
fn a_numeric_traceid_is_ignored_rather_than_fatal() {
    // daprd 1.18.2 itself panics on it; see dapr/dapr docs/release_notes/v1.18.3.md.
    let body = with(r#""traceid":12345,"data":null"#);
    assert!(Envelope::parse(&body).unwrap().trace().is_none());
}

#[test]
fn the_id_is_found_even_where_the_rest_is_wrong() {
    assert_eq!(salvage_id(br#"{"id":"x"}"#).as_deref(), Some("x"));
    assert_eq!(salvage_id(b"nope"), None);
}
