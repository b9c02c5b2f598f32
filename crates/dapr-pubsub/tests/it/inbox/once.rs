//! A handler with an inbox around it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, State};
use dapr_pubsub::{
    CANARY_TYPE, CloudEvent, Inbox, InboxOptions, Outcome, Subscription, Subscriptions,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tonic::Status;

use crate::subscriptions::{ROUTE, outcome};
use crate::until;
use dapr_pubsub::testing::{FakeSidecar, Fault};

/// Of the event `1` of `order-api`, for the consumer `worker`.
const KEY: &str = "kb-VENqgW96t3S6Nhpl78A";

#[derive(Debug, Deserialize)]
struct Order {
    quantity: u32,
}

#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no stock")
    }
}

impl From<Refused> for Outcome {
    fn from(_: Refused) -> Self {
        Self::Retry
    }
}

/// How often the handler was called.
type Calls = Arc<AtomicU32>;

async fn on_order(
    State(calls): State<Calls>,
    event: CloudEvent<Order>,
) -> Result<Outcome, Refused> {
    calls.fetch_add(1, Ordering::Relaxed);
    match event.data.quantity {
        0 => Ok(Outcome::Drop),
        1 => Err(Refused),
        2 => panic!("told to"),
        3 => Ok(Outcome::Retry),
        _ => Ok(Outcome::Success),
    }
}

fn inbox(fake: &FakeSidecar) -> Inbox {
    let mut options = InboxOptions::new("statestore", "worker");
    options.lease = Duration::from_secs(1);
    options.max_attempts = Some(2);
    Inbox::new(&fake.sidecar(), options)
}

fn router(inbox: impl Into<Option<Inbox>>) -> (Router, Calls) {
    let calls = Calls::default();
    let declared = Subscription::new("order-events", ROUTE);
    let router = Subscriptions::new()
        // Would drop at once, if it counted.
        .max_attempts(1)
        .on_once(declared, inbox, on_order)
        .into_router()
        .with_state(Arc::clone(&calls));
    (router, calls)
}

fn event(kind: &str, data: &Value) -> String {
    let envelope = json!({
        "specversion": "1.0", "id": "1", "source": "order-api", "type": kind, "topic": "order-events", "data": data
    });
    envelope.to_string()
}

fn order(quantity: u32) -> String {
    event("com.dapr.event.sent", &json!({"quantity": quantity}))
}

fn record(fake: &FakeSidecar) -> Value {
    let stored = fake.state().record(KEY);
    stored.map_or(Value::Null, |it| serde_json::from_str(&it.value).unwrap())
}

fn away(fake: &FakeSidecar) {
    fake.state()
        .disturb(|_, _| Some(Fault::Refuse(Status::unavailable("away"))));
}

#[tokio::test]
async fn what_was_handled_comes_to_no_handler_again() {
    let fake = crate::fake();
    let (first, calls) = router(inbox(&fake));
    let (second, others) = router(inbox(&fake));
    for router in [&first, &first, &second] {
        assert_eq!(outcome(router, order(4)).await, "SUCCESS");
    }
    let called = |calls: &Calls| calls.load(Ordering::Relaxed);
    assert_eq!((called(&calls), called(&others)), (1, 0));
    assert_eq!(record(&fake), json!(1));
}

#[tokio::test]
async fn a_failure_is_counted_with_its_reason_and_the_last_one_is_a_drop() {
    let fake = crate::fake();
    for (quantity, reason) in [(1, "no stock"), (3, "the handler answered RETRY")] {
        fake.state().remove(KEY);
        let (router, calls) = router(inbox(&fake));
        for (failures, answer) in [(1, "RETRY"), (2, "DROP")] {
            assert_eq!(outcome(&router, order(quantity)).await, answer);
            let record = record(&fake);
            assert_eq!(
                (&record["failures"], &record["reason"]),
                (&json!(failures), &json!(reason))
            );
        }
        assert_eq!(calls.load(Ordering::Relaxed), 2);
    }
}

#[tokio::test]
async fn what_is_dropped_can_come_again_at_once() {
    let fake = crate::fake();
    let (router, _) = router(inbox(&fake));
    assert_eq!(outcome(&router, order(0)).await, "DROP");
    assert_eq!(record(&fake), Value::Null);
    assert_eq!(outcome(&router, order(4)).await, "SUCCESS");
}

#[tokio::test]
async fn a_panic_is_a_failure() {
    let fake = crate::fake();
    let (router, _) = router(inbox(&fake));
    assert_eq!(outcome(&router, order(2)).await, "RETRY");
    until(|| record(&fake)["failures"] == 1).await;
}

#[tokio::test]
async fn what_cannot_be_known_is_not_handled_and_what_cannot_be_decoded_needs_no_store() {
    let fake = crate::fake();
    let (router, calls) = router(inbox(&fake));
    away(&fake);
    for _ in 0..3 {
        assert_eq!(outcome(&router, order(4)).await, "RETRY");
    }
    let misshapen = event("com.dapr.event.sent", &json!({"quantity": "four"}));
    assert_eq!(outcome(&router, misshapen).await, "DROP");
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    fake.state().heal();
    assert_eq!(outcome(&router, order(4)).await, "SUCCESS");
}

#[tokio::test]
async fn an_effect_that_cannot_be_written_down_is_not_answered_with_success() {
    let fake = crate::fake();
    let (router, _) = router(inbox(&fake));
    fake.state().disturb(|operation, value| {
        let done = operation == "save" && value == "1";
        done.then(|| Fault::Refuse(Status::unavailable("away")))
    });
    assert_eq!(outcome(&router, order(4)).await, "RETRY");
}

#[tokio::test]
async fn the_fault_of_an_extractor_is_no_attempt_of_the_event() {
    async fn asks(_: Extension<u8>, _: CloudEvent<Order>) {}
    let fake = crate::fake();
    let declared = Subscription::new("order-events", ROUTE);
    let router: Router = Subscriptions::new()
        .on_once(declared, inbox(&fake), asks)
        .into_router();
    for _ in 0..3 {
        assert_eq!(outcome(&router, order(4)).await, "RETRY");
        assert_eq!(record(&fake), Value::Null);
    }
}

#[tokio::test]
async fn canaries_are_recorded_there_and_without_an_inbox_every_delivery_is_handled() {
    let fake = crate::fake();
    let (with, _) = router(inbox(&fake));
    let canary = event(CANARY_TYPE, &Value::Null);
    assert_eq!(outcome(&with, canary).await, "SUCCESS");
    assert_eq!(record(&fake), json!(1));

    let (without, calls) = router(None);
    for _ in 0..2 {
        assert_eq!(outcome(&without, order(4)).await, "SUCCESS");
    }
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    assert_eq!(outcome(&without, order(1)).await, "DROP", "counted here");
}

#[tokio::test]
#[should_panic(expected = "rawPayload")]
async fn an_event_that_cannot_be_recognised_is_not_promised_once() {
    let fake = crate::fake();
    let raw = Subscription::new("order-events", ROUTE).metadata("rawPayload", "true");
    let _: Router<Calls> = Subscriptions::new()
        .on_once(raw, inbox(&fake), on_order)
        .into_router();
}
