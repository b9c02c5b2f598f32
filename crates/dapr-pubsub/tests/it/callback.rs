//! The gRPC app callback, as daprd calls it.

mod contract;

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use dapr::dapr::proto::runtime::v1::app_callback_alpha_client::AppCallbackAlphaClient;
use dapr::dapr::proto::runtime::v1::app_callback_client::AppCallbackClient;
use dapr::dapr::proto::runtime::v1::topic_event_bulk_request_entry::Event;
use dapr::dapr::proto::runtime::v1::{
    TopicEventBulkRequest, TopicEventBulkRequestEntry, TopicEventCeRequest, TopicEventRequest,
    TopicEventResponse,
};
use dapr_pubsub::{Binary, CloudEvent, ExtensionValue, Outcome, Subscription, Subscriptions};
use http::{HeaderMap, Method, Uri};
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use serde::Deserialize;
use tokio::task::JoinSet;
use tonic::Status;

const ROUTE: &str = "/events/todo";

#[derive(Debug, Deserialize)]
struct Task {
    title: String,
}

fn subscription() -> Subscription {
    crate::tracing_setup::install();
    Subscription::new("task-events", ROUTE)
}

async fn obey(event: CloudEvent<Task>) -> Outcome {
    match event.data.title.as_str() {
        "retry" => Outcome::Retry,
        "drop" => Outcome::Drop,
        "panic" => panic!("told to"),
        "sleep" => std::future::pending().await,
        _ => Outcome::Success,
    }
}

fn obedient() -> Subscriptions {
    Subscriptions::new().on(subscription(), obey)
}

fn event(title: &str) -> TopicEventRequest {
    TopicEventRequest {
        id: "1".to_owned(),
        source: "task-api".to_owned(),
        r#type: "com.dapr.event.sent".to_owned(),
        spec_version: "1.0".to_owned(),
        data_content_type: "application/json".to_owned(),
        data: format!(r#"{{"title":"{title}"}}"#).into_bytes(),
        topic: "task-events".to_owned(),
        pubsub_name: "pubsub".to_owned(),
        path: ROUTE.to_owned(),
        extensions: None,
    }
}

async fn call(router: &Router, event: TopicEventRequest) -> Result<&'static str, Status> {
    let mut client = AppCallbackClient::new(router.clone()).max_encoding_message_size(64 << 20);
    let answer = client.on_topic_event(event).await?.into_inner();
    Ok(word(answer))
}

fn word(answer: TopicEventResponse) -> &'static str {
    ["SUCCESS", "RETRY", "DROP"][usize::try_from(answer.status).unwrap()]
}

async fn outcome(router: &Router, event: TopicEventRequest) -> &'static str {
    call(router, event).await.unwrap()
}

#[tokio::test]
async fn the_handler_decides_and_a_panic_is_a_retry() {
    let router = obedient().into_router();
    for (title, expected) in [
        ("x", "SUCCESS"),
        ("retry", "RETRY"),
        ("drop", "DROP"),
        ("panic", "RETRY"),
    ] {
        assert_eq!(outcome(&router, event(title)).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_a_retry() {
    let router = obedient()
        .handler_timeout(Duration::from_secs(3))
        .into_router();
    assert_eq!(outcome(&router, event("sleep")).await, "RETRY");
}

#[tokio::test]
async fn what_cannot_be_read_is_dropped_and_an_unknown_route_retried() {
    let router = obedient().body_limit(2000).into_router();
    let with = |change: fn(&mut TopicEventRequest)| {
        let mut event = event("x");
        change(&mut event);
        event
    };
    for unreadable in [
        with(|event| event.id.clear()),
        with(|event| event.source.clear()),
        with(|event| event.spec_version = "0.3".to_owned()),
        with(|event| event.data = b"7".to_vec()),
        with(|event| event.data.clear()),
        event(&"x".repeat(3000)),
    ] {
        assert_eq!(outcome(&router, unreadable).await, "DROP");
    }
    assert_eq!(
        outcome(&router, with(|event| event.path = "/other".to_owned())).await,
        "RETRY"
    );
    // Without a path, the topic says enough where there is one route for it.
    assert_eq!(
        outcome(&router, with(|event| event.path.clear())).await,
        "SUCCESS"
    );
}

#[tokio::test]
async fn an_event_may_be_as_large_as_daprd_takes() {
    let router = obedient().into_router();
    assert_eq!(
        outcome(&router, event(&"x".repeat(4 << 20))).await,
        "SUCCESS"
    );
    assert_eq!(outcome(&router, event(&"x".repeat(26 << 20))).await, "DROP");
}

#[tokio::test]
async fn many_large_events_wait_for_room() {
    let router = obedient().max_bytes_in_hand(1 << 20).into_router();
    let mut events = JoinSet::new();
    for _ in 0..20 {
        let router = router.clone();
        events.spawn(async move { outcome(&router, event(&"x".repeat(900_000))).await });
    }
    assert!(events.join_all().await.iter().all(|it| *it == "SUCCESS"));
}

#[tokio::test]
async fn extractors_see_the_metadata_and_the_route() {
    async fn extracting(
        State(answer): State<Outcome>,
        method: Method,
        uri: Uri,
        headers: HeaderMap,
        event: CloudEvent<Task>,
    ) -> Outcome {
        assert_eq!((method, uri.path()), (Method::POST, ROUTE));
        assert_eq!(headers["kafka-key"], "k");
        assert_eq!(event.data.title, "x");
        answer
    }
    let router = Subscriptions::new()
        .on(subscription(), extracting)
        .into_router()
        .with_state(Outcome::Drop);
    let mut request = tonic::Request::new(event("x"));
    request
        .metadata_mut()
        .insert("kafka-key", "k".parse().unwrap());
    let answer = AppCallbackClient::new(router)
        .on_topic_event(request)
        .await
        .unwrap();
    assert_eq!(word(answer.into_inner()), "DROP");
}

#[tokio::test]
async fn attributes_are_those_of_the_envelope() {
    async fn look(event: CloudEvent<Task>) {
        assert_eq!(event.subject.as_deref(), Some("s"));
        assert_eq!(event.topic.as_deref(), Some("original"));
        assert_eq!(event.pubsub_name.as_deref(), Some("pubsub"));
        assert_eq!(event.trace_parent.as_deref(), Some("00-1"));
        let expected = BTreeMap::from([
            ("count".to_owned(), ExtensionValue::Integer(3)),
            ("half".to_owned(), ExtensionValue::Other("0.5".to_owned())),
            ("yes".to_owned(), ExtensionValue::Boolean(true)),
            ("word".to_owned(), ExtensionValue::Text("w".to_owned())),
        ]);
        assert_eq!(event.extensions, expected);
    }
    let value = |kind| Value { kind: Some(kind) };
    let text = |text: &str| value(Kind::StringValue(text.to_owned()));
    let fields = [
        ("subject", text("s")),
        ("topic", text("original")),
        ("traceid", text("00-1")),
        ("count", value(Kind::NumberValue(3.0))),
        ("half", value(Kind::NumberValue(0.5))),
        ("yes", value(Kind::BoolValue(true))),
        ("word", text("w")),
        ("nothing", value(Kind::NullValue(0))),
    ];
    let mut event = event("x");
    event.extensions = Some(Struct {
        fields: fields.map(|(name, value)| (name.to_owned(), value)).into(),
    });
    let router = Subscriptions::new().on(subscription(), look).into_router();
    assert_eq!(outcome(&router, event).await, "SUCCESS");
}

#[tokio::test]
async fn data_comes_in_the_form_that_its_type_says() {
    async fn text(event: CloudEvent<String>) {
        assert_eq!(event.data, "a \"b\"");
    }
    async fn bytes(event: CloudEvent<Binary>) {
        assert_eq!(event.data.0.as_ref(), [0, 0xff]);
    }
    async fn nothing(event: CloudEvent<Option<Task>>) {
        assert!(event.data.is_none());
    }
    let of = |content_type: &str, data: &[u8]| {
        let mut event = event("x");
        (event.data_content_type, event.data) = (content_type.to_owned(), data.to_vec());
        event
    };
    let router = Subscriptions::new().on(subscription(), text).into_router();
    assert_eq!(
        outcome(&router, of("text/plain; charset=utf-8", b"a \"b\"")).await,
        "SUCCESS"
    );
    assert_eq!(
        outcome(&router, of("application/json", br#""a \"b\"""#)).await,
        "SUCCESS"
    );
    let router = Subscriptions::new().on(subscription(), bytes).into_router();
    assert_eq!(
        outcome(&router, of("application/octet-stream", &[0, 0xff])).await,
        "SUCCESS"
    );
    let router = Subscriptions::new()
        .on(subscription(), nothing)
        .into_router();
    assert_eq!(
        outcome(&router, of("application/json", b"")).await,
        "SUCCESS"
    );
    // daprd leaves out what it does not know: that is not "no data".
    assert_eq!(
        outcome(&router, of("application/x-protobuf", b"")).await,
        "DROP"
    );
}

#[tokio::test]
#[allow(deprecated)] // What daprd falls back to.
async fn several_events_have_an_answer_each() {
    let router = obedient().into_router();
    let entry = |id: &str, event| TopicEventBulkRequestEntry {
        entry_id: id.to_owned(),
        event: Some(event),
        ..Default::default()
    };
    let cloud_event = |title: &str| {
        let event = event(title);
        Event::CloudEvent(TopicEventCeRequest {
            id: event.id,
            source: event.source,
            r#type: event.r#type,
            spec_version: event.spec_version,
            data_content_type: event.data_content_type,
            data: event.data,
            extensions: None,
        })
    };
    let request = || TopicEventBulkRequest {
        entries: vec![
            entry("a", cloud_event("x")),
            entry("b", cloud_event("retry")),
            entry("c", Event::Bytes(b"not an event".to_vec())),
        ],
        topic: "task-events".to_owned(),
        path: ROUTE.to_owned(),
        ..Default::default()
    };
    let answers = [
        AppCallbackClient::new(router.clone())
            .on_bulk_topic_event(request())
            .await,
        AppCallbackAlphaClient::new(router)
            .on_bulk_topic_event_alpha1(request())
            .await,
    ];
    for answer in answers {
        let statuses = answer.unwrap().into_inner().statuses;
        let mut statuses: Vec<_> = statuses
            .into_iter()
            .map(|it| (it.entry_id, it.status))
            .collect();
        statuses.sort();
        let expected = [("a", 0), ("b", 1), ("c", 2)].map(|(id, status)| (id.to_owned(), status));
        assert_eq!(statuses, expected);
    }
}
