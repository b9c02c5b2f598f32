//! Events without an effect.

use std::time::Duration;

use axum::Router;
use dapr_pubsub::{CANARY_TYPE, CloudEvent, EventState, Inbox, InboxOptions, InboxReader};
use dapr_pubsub::{Subscription, Subscriptions};
use serde_json::{Value, json};
use tonic::Status;

use crate::subscriptions::{ROUTE, outcome};
use dapr_pubsub::testing::{FakeSidecar, Fault};

const SECOND: Duration = Duration::from_secs(1);

fn canary(id: &str) -> String {
    let envelope = json!({
        "specversion": "1.0", "id": id, "source": "prober", "type": CANARY_TYPE,
        "topic": "task-events", "data": {"of": "no shape that the handler takes"}
    });
    envelope.to_string()
}

/// It could not take a canary: that is no number.
async fn never(event: CloudEvent<u64>) {
    panic!("{event:?} has reached the handler");
}

fn router(inbox: Option<Inbox>) -> Router {
    crate::tracing_setup::install();
    Subscriptions::new()
        .on(Subscription::new("task-events", ROUTE), never)
        .canary_inbox(inbox)
        .into_router()
}

fn inbox(fake: &FakeSidecar, consumer: &str) -> Inbox {
    Inbox::new(&fake.sidecar(), InboxOptions::new("statestore", consumer))
}

async fn state(fake: &FakeSidecar, consumer: &str, id: &str) -> EventState {
    let reader = InboxReader::new(&fake.sidecar(), "statestore");
    reader.state(consumer, "prober", id, SECOND).await.unwrap()
}

#[tokio::test]
async fn a_canary_is_recorded_for_its_consumer_and_no_handler_sees_it() {
    let fake = crate::fake();
    let router = router(Some(inbox(&fake, "worker")));
    assert_eq!(state(&fake, "worker", "1").await, EventState::Unknown);
    assert_eq!(outcome(&router, canary("1")).await, "SUCCESS");
    assert_eq!(state(&fake, "worker", "1").await, EventState::Done);
    assert_eq!(state(&fake, "audit", "1").await, EventState::Unknown);
    assert_eq!(state(&fake, "worker", "2").await, EventState::Unknown);
}

#[tokio::test]
async fn a_second_copy_changes_nothing() {
    let fake = crate::fake();
    let router = router(Some(inbox(&fake, "worker")));
    for _ in 0..2 {
        assert_eq!(outcome(&router, canary("1")).await, "SUCCESS");
    }
    assert_eq!(state(&fake, "worker", "1").await, EventState::Done);
}

#[tokio::test]
async fn a_canary_in_other_hands_comes_again() {
    let fake = crate::fake();
    let elsewhere = inbox(&fake, "worker");
    let _held = elsewhere.claim("prober", "1").await.unwrap();
    let router = router(Some(inbox(&fake, "worker")));
    assert_eq!(outcome(&router, canary("1")).await, "RETRY");
    assert_eq!(state(&fake, "worker", "1").await, EventState::Claimed);
}

#[tokio::test]
async fn without_an_inbox_a_canary_is_just_taken() {
    assert_eq!(outcome(&router(None), canary("1")).await, "SUCCESS");
}

#[tokio::test]
async fn a_canary_that_cannot_be_recorded_is_no_proof() {
    let fake = crate::fake();
    let router = router(Some(inbox(&fake, "worker")));
    fake.state()
        .disturb(|_, _| Some(Fault::Refuse(Status::unavailable("away"))));
    assert_eq!(outcome(&router, canary("1")).await, "RETRY");
    let reader = InboxReader::new(&fake.sidecar(), "statestore");
    let unread = reader.state("worker", "prober", "1", SECOND).await;
    assert!(unread.unwrap_err().to_string().contains("away"));
    fake.state().heal();
    assert_eq!(outcome(&router, canary("1")).await, "SUCCESS");
}

#[tokio::test]
async fn entries_of_a_bulk_delivery_can_be_canaries() {
    let fake = crate::fake();
    let router = router(Some(inbox(&fake, "worker")));
    let event: Value = serde_json::from_str(&canary("1")).unwrap();
    let body = json!({"entries": [{"entryId": "a", "event": event}]}).to_string();
    let request = http::Request::post(ROUTE)
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap();
    let (_, answer) = crate::subscriptions::send(&router, request).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(
        answer,
        json!({"statuses": [{"entryId": "a", "status": "SUCCESS"}]})
    );
    assert_eq!(state(&fake, "worker", "1").await, EventState::Done);
}
