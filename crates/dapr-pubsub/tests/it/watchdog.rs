//! What is done about a sidecar that does not deliver.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dapr_pubsub::{
    CloudEvent, Hearing, Inbox, InboxOptions, Subscription, Subscriptions, Watchdog,
    WatchdogOptions,
};
use tokio::task::JoinSet;
use tonic::Status;

use crate::until;
use dapr_pubsub::testing::{Answer, FakeSidecar, Fault};

type Heard = Arc<Mutex<Vec<Hearing>>>;

async fn ignore(_: CloudEvent<serde::de::IgnoredAny>) {}

/// With a silence and a patience of a moment.
fn watch(fake: &FakeSidecar) -> (Heard, JoinSet<Infallible>) {
    let sidecar = fake.sidecar();
    let inbox = Inbox::new(&sidecar, InboxOptions::new("store", "worker"));
    let subscriptions = Subscriptions::<()>::new().on(Subscription::new("t", "/e"), ignore);
    let mut options = WatchdogOptions::new();
    options.silence = Duration::from_millis(50);
    options.patience = Duration::from_millis(1200);
    let (activity, topics) = (subscriptions.activity(), subscriptions.topics());
    let watchdog = Watchdog::new(&sidecar, &inbox, activity, topics, options);
    let heard = Heard::default();
    let tell = Arc::clone(&heard);
    let mut task = JoinSet::new();
    task.spawn(async move {
        watchdog
            .run(move |hearing| tell.lock().unwrap().push(hearing))
            .await
    });
    (heard, task)
}

fn is_deaf(heard: &Heard) -> bool {
    let deaf = |it: &Hearing| matches!(it, Hearing::Deaf { pubsub, topic } if (pubsub.as_str(), topic.as_str()) == ("p", "t"));
    heard.lock().unwrap().iter().any(deaf)
}

#[tokio::test]
async fn a_canary_that_does_not_come_restarts_the_sidecar() {
    let fake = crate::fake();
    fake.subscribed("p", "t");
    fake.subscribed("p", "not-ours");
    let (heard, _task) = watch(&fake);
    until(|| fake.shutdowns() == 1).await;
    assert!(is_deaf(&heard));
    assert!(
        fake.calls()
            .iter()
            .all(|call| call.events[0].metadata["cloudevent.type"] == dapr_pubsub::CANARY_TYPE)
    );
}

#[tokio::test]
async fn what_cannot_be_known_restarts_nothing() {
    // The broker does not take it.
    let broker_down = crate::fake();
    broker_down.subscribed("p", "t");
    broker_down.on_publish(|_| Answer::Fail(Status::internal("broker down")));
    let (without_broker, _first) = watch(&broker_down);
    // The state store cannot say whether it came.
    let store_down = crate::fake();
    store_down.subscribed("p", "t");
    store_down
        .state()
        .disturb(|_, _| Some(Fault::Refuse(Status::internal("store down"))));
    let (without_store, _second) = watch(&store_down);
    // The sidecar has no component to subscribe with: its broker was down when it started.
    let none = crate::fake();
    let (without_subscription, _third) = watch(&none);
    for heard in [&without_broker, &without_store, &without_subscription] {
        until(|| heard.lock().unwrap().len() >= 2).await;
        assert!(!is_deaf(heard));
    }
    for fake in [&broker_down, &store_down, &none] {
        assert_eq!(fake.shutdowns(), 0);
    }
}

#[tokio::test]
async fn a_sidecar_that_has_missed_its_subscription_is_restarted() {
    let fake = crate::fake();
    fake.load("p", "pubsub.redis");
    fake.subscribed("p", "not-ours");
    let (heard, _task) = watch(&fake);
    until(|| fake.shutdowns() == 1).await;
    let topic = "t".to_owned();
    let missed = Hearing::Unsubscribed { topic };
    assert!(heard.lock().unwrap().contains(&missed));
    assert!(fake.calls().is_empty(), "a canary would reach nobody");
}

#[tokio::test]
async fn a_canary_that_any_replica_records_is_proof() {
    let fake = crate::fake();
    fake.subscribed("p", "t");
    let state = fake.handle();
    fake.on_publish(move |call| {
        let id = call.events[0].id();
        state.put(
            &dapr_pubsub::record_key("worker", "dapr-pubsub/watchdog", id),
            "1",
        );
        Answer::Ok
    });
    let (heard, _task) = watch(&fake);
    until(|| heard.lock().unwrap().len() >= 3).await;
    assert!(!is_deaf(&heard) && fake.shutdowns() == 0);
}
