//! The fate of a single event.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::{Extension, Router};
use dapr_pubsub::{
    Binary, CloudEvent, Inbox, InboxError, InboxOptions, InboxReader, Outcome, Progress,
    Subscription, Subscriptions, record_key,
};
use futures_util::stream;
use http::{HeaderMap, Method};

use super::{Task, delivery, envelope, obedient, outcome, send, subscription};
use crate::{soon, until};

#[tokio::test]
async fn the_handler_decides() {
    let router = obedient().into_router();
    for (title, expected) in [("fine", "SUCCESS"), ("retry", "RETRY"), ("drop", "DROP")] {
        assert_eq!(
            outcome(&router, envelope(title).to_string()).await,
            expected
        );
    }
}

#[tokio::test]
async fn a_panic_is_a_retry_and_the_next_event_is_handled() {
    let router = obedient().into_router();
    assert_eq!(
        outcome(&router, envelope("panic").to_string()).await,
        "RETRY"
    );
    assert_eq!(
        outcome(&router, envelope("fine").to_string()).await,
        "SUCCESS"
    );
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_a_retry() {
    let router = obedient()
        .handler_timeout(Duration::from_secs(3))
        .into_router();
    let started = tokio::time::Instant::now();
    assert_eq!(
        outcome(&router, envelope("sleep").to_string()).await,
        "RETRY"
    );
    assert_eq!(started.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_a_retry() {
    let router = obedient()
        .handler_timeout(Duration::from_secs(3))
        .into_router();
    let endless = stream::pending::<Result<Bytes, Infallible>>();
    assert_eq!(outcome(&router, Body::from_stream(endless)).await, "RETRY");
    let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("reset"))]);
    assert_eq!(outcome(&router, Body::from_stream(broken)).await, "RETRY");
}

/// daprd gives an event back to the broker when its dead letter is not taken.
#[tokio::test]
async fn what_is_dropped_again_and_again_is_told() {
    let subscriptions = obedient();
    let dead_letters = subscriptions.dead_letters();
    let router = subscriptions.into_router();
    for title in ["drop", "fine", "drop"] {
        outcome(&router, envelope(title).to_string()).await;
        assert_eq!(dead_letters.returning(), None);
    }
    // Others with the same id, or with none, are others.
    for number in 0..5 {
        let mut other = envelope("drop");
        other["data"] = number.into();
        outcome(&router, other.to_string()).await;
        outcome(&router, format!("[{number}]")).await;
        assert_eq!(dead_letters.returning(), None);
    }
    outcome(&router, envelope("drop").to_string()).await;
    let (_, topic) = dead_letters.returning().unwrap();
    assert_eq!(topic, "task-events");
}

#[tokio::test]
#[should_panic(expected = "an event could have several effects")]
async fn raw_payloads_are_refused_where_an_inbox_is_to_recognise_them() {
    let fake = crate::fake();
    let inbox = Inbox::new(&fake.sidecar(), InboxOptions::new("store", "consumer"));
    let raw = Subscription::new("t", "/e").metadata("rawPayload", "true");
    let subscriptions = Subscriptions::<()>::new().canary_inbox(Some(inbox));
    let _ = subscriptions
        .on(raw, async |_: CloudEvent<Task>| ())
        .into_router();
}

#[tokio::test]
async fn what_cannot_be_read_is_dropped() {
    let router = obedient().into_router();
    let mut no_id = envelope("x");
    no_id.as_object_mut().unwrap().remove("id");
    let mut old = envelope("x");
    old["specversion"] = "0.3".into();
    let mut wrong = envelope("x");
    wrong["data"] = 7.into();
    let mut none = envelope("x");
    none.as_object_mut().unwrap().remove("data");
    for body in [
        no_id.to_string(),
        old.to_string(),
        wrong.to_string(),
        none.to_string(),
    ] {
        assert_eq!(outcome(&router, body).await, "DROP");
    }
    assert_eq!(outcome(&router, "not json").await, "DROP");
    assert_eq!(outcome(&router, "").await, "DROP");
    assert_eq!(outcome(&router, b"\xff\xfe".to_vec()).await, "DROP");
}

#[tokio::test]
async fn a_body_over_the_limit_is_dropped() {
    let router = obedient().body_limit(1000).into_router();
    assert_eq!(
        outcome(&router, envelope(&"x".repeat(300)).to_string()).await,
        "SUCCESS"
    );
    assert_eq!(
        outcome(&router, envelope(&"x".repeat(500)).to_string()).await,
        "DROP"
    );
    // In pieces, and far over it.
    let chunk = || Ok::<_, Infallible>(Bytes::from(vec![b' '; 600]));
    let many = stream::iter((0..1000).map(move |_| chunk()));
    assert_eq!(
        soon(outcome(&router, Body::from_stream(many))).await,
        "DROP"
    );
}

#[tokio::test]
async fn by_default_an_event_may_be_as_large_as_daprd_can_make_it() {
    let router = obedient().into_router();
    // 4 MiB of `<`, as Go writes them.
    let escaped = "\\u003c".repeat(4 << 20);
    let body = envelope("x")
        .to_string()
        .replace(r#"{"title":"x"}"#, &format!(r#"{{"title":"{escaped}"}}"#));
    assert_eq!(outcome(&router, body).await, "SUCCESS");
    assert_eq!(outcome(&router, vec![b' '; 26 << 20]).await, "DROP");
}

#[tokio::test]
async fn a_body_in_pieces_is_put_together() {
    let router = obedient().into_router();
    let text = envelope("retry").to_string().into_bytes();
    let pieces: Vec<_> = text
        .chunks(7)
        .map(|it| Ok::<_, Infallible>(Bytes::copy_from_slice(it)))
        .collect();
    assert_eq!(
        outcome(&router, Body::from_stream(stream::iter(pieces))).await,
        "RETRY"
    );
}

#[tokio::test]
async fn data_in_base64_reaches_the_handler() {
    async fn bytes(event: CloudEvent<Binary>) -> Outcome {
        assert_eq!(event.data.0.as_ref(), [0, 1, 0xff]);
        Outcome::Drop
    }
    let router = Subscriptions::new().on(subscription(), bytes).into_router();
    let mut event = envelope("x");
    event.as_object_mut().unwrap().remove("data");
    event["data_base64"] = "AAH/".into();
    assert_eq!(outcome(&router, event.to_string()).await, "DROP");
}

#[derive(Clone)]
struct App {
    answer: Outcome,
}

#[tokio::test]
async fn extractors_come_before_the_event() {
    async fn extracting(
        State(app): State<App>,
        method: Method,
        headers: HeaderMap,
        Extension(word): Extension<&'static str>,
        event: CloudEvent<Task>,
    ) -> Outcome {
        assert_eq!(
            (method, word, event.data.title.as_str()),
            (Method::POST, "word", "x")
        );
        assert!(headers.contains_key("content-type"));
        app.answer
    }
    let routes = Subscriptions::new()
        .on(subscription(), extracting)
        .into_router();
    let state = App {
        answer: Outcome::Drop,
    };
    let with = Router::new()
        .merge(routes.clone())
        .layer(Extension("word"))
        .with_state(state.clone());
    assert_eq!(outcome(&with, envelope("x").to_string()).await, "DROP");
    // The extension is missing: the service is wired wrongly, and the event is not to blame.
    let without: Router = routes.with_state(state);
    assert_eq!(outcome(&without, envelope("x").to_string()).await, "RETRY");
}

#[derive(Debug)]
enum Problem {
    Transient,
    Invalid,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl From<Problem> for Outcome {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Transient => Self::Retry,
            Problem::Invalid => Self::Drop,
        }
    }
}

#[tokio::test]
async fn errors_say_whether_to_retry() {
    async fn failing(event: CloudEvent<Task>) -> Result<(), Problem> {
        match event.data.title.as_str() {
            "transient" => Err(Problem::Transient),
            "invalid" => Err(Problem::Invalid),
            _ => Ok(()),
        }
    }
    let router = Subscriptions::new()
        .on(subscription(), failing)
        .into_router();
    for (title, expected) in [
        ("x", "SUCCESS"),
        ("transient", "RETRY"),
        ("invalid", "DROP"),
    ] {
        assert_eq!(
            outcome(&router, envelope(title).to_string()).await,
            expected
        );
    }
}

#[tokio::test]
async fn inbox_errors_are_retries() {
    async fn lost(_: CloudEvent<Task>) -> Result<Outcome, InboxError> {
        Err(InboxError::LeaseLost)
    }
    let router = Subscriptions::new().on(subscription(), lost).into_router();
    assert_eq!(outcome(&router, envelope("x").to_string()).await, "RETRY");
}

#[tokio::test]
async fn a_deserializer_that_panics_is_a_retry() {
    struct Hostile;
    impl<'de> serde::Deserialize<'de> for Hostile {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("in code that reads the data")
        }
    }
    async fn never(_: CloudEvent<Hostile>) {}
    let router = Subscriptions::new().on(subscription(), never).into_router();
    assert_eq!(outcome(&router, envelope("x").to_string()).await, "RETRY");
    let (status, _) = send(&router, delivery(envelope("x").to_string())).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn what_is_handled_is_told_to_who_asks_for_progress() {
    let fake = crate::fake();
    let subscriptions = obedient();
    let inbox = Inbox::new(&fake.sidecar(), InboxOptions::new("store", "worker"));
    let progress = Progress::new(&inbox, subscriptions.activity());
    let mut task = tokio::task::JoinSet::new();
    task.spawn(progress.run());
    let router = subscriptions.into_router();
    let record = |way: &str| {
        fake.state()
            .record(&record_key("worker", "dapr-pubsub/progress", way))
    };

    for (pubsub, title, expected) in [("stuck", "retry", "RETRY"), ("pubsub", "fine", "SUCCESS")] {
        let mut delivery = delivery(envelope(title).to_string());
        let pubsub = http::HeaderValue::from_static(pubsub);
        delivery.headers_mut().insert("pubsubname", pubsub);
        let (_, body) = send(&router, delivery).await;
        assert_eq!(body, format!(r#"{{"status":"{expected}"}}"#).as_bytes());
    }
    until(|| record("pubsub/task-events").is_some()).await;
    assert!(
        record("stuck/task-events").is_none(),
        "nothing of it was handled"
    );

    let reader = InboxReader::new(&fake.sidecar(), "store");
    let second = Duration::from_secs(1);
    for (consumer, topic, seen) in [
        ("worker", "task-events", true),
        ("other", "task-events", false),
        ("worker", "elsewhere", false),
    ] {
        let answer = reader.progresses(consumer, "pubsub", topic, second).await;
        assert_eq!(answer.unwrap(), seen, "{consumer} {topic}");
    }
}
