//! Who shares a call with whom, and that nobody shares another's fate.

use std::sync::Arc;

use dapr_pubsub::{NewEvent, PublishError, Publisher, PublisherOptions};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tonic::Status;

use super::{SECOND, event, options, publish_all};
use crate::{soon, until};
use dapr_pubsub::testing::{Answer, FakeSidecar, PublishCall};

/// Holds the event `first` until the gate opens, so that the events after it gather.
async fn behind_a_gate(
    options: PublisherOptions,
    mut then: impl FnMut(&PublishCall) -> Answer + Send + 'static,
) -> (
    FakeSidecar,
    Publisher,
    Arc<Semaphore>,
    JoinSet<(&'static str, Result<(), PublishError>)>,
) {
    let fake = crate::fake();
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    fake.on_publish(move |call| match call.ids()[..] {
        ["first"] => Answer::Held(held.clone()),
        _ => then(call),
    });
    let publisher = Publisher::new(&fake.sidecar(), options);
    let callers = publish_all(&publisher, &["first"], SECOND);
    until(|| fake.calls().len() == 1).await;
    (fake, publisher, gate, callers)
}

#[tokio::test]
async fn what_waits_goes_out_together() {
    let (fake, publisher, gate, first) = behind_a_gate(options(), |_| Answer::Ok).await;
    let rest = publish_all(&publisher, &["a", "b", "c", "d"], SECOND);
    until(|| publisher.queued() == 4).await;
    assert_eq!(
        fake.calls().len(),
        1,
        "sent although the only place was taken"
    );
    gate.add_permits(1);
    soon(first.join_all()).await;
    for (id, result) in soon(rest.join_all()).await {
        result.unwrap_or_else(|error| panic!("{id}: {error}"));
    }
    let calls = fake.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!((calls[1].bulk, &*calls[1].topic), (true, "task-events"));
    assert_eq!(calls[1].ids(), ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn a_call_has_events_of_one_topic() {
    let (fake, publisher, gate, _first) = behind_a_gate(options(), |_| Answer::Ok).await;
    let mut callers = JoinSet::new();
    let sent = [
        ("a", None),
        ("b", Some("other")),
        ("c", None),
        ("d", Some("other")),
    ];
    for (before, (id, topic)) in sent.into_iter().enumerate() {
        let mut event = event(id);
        event.topic = topic.map(str::to_owned);
        let own = publisher.clone();
        callers.spawn(async move { own.publish(event, SECOND).await });
        until(|| publisher.queued() == before + 1).await;
    }
    gate.add_permits(1);
    for result in soon(callers.join_all()).await {
        result.unwrap();
    }
    let calls = fake.calls();
    let calls: Vec<_> = calls[1..]
        .iter()
        .map(|call| (&*call.topic, call.ids()))
        .collect();
    assert_eq!(
        calls,
        [("task-events", vec!["a", "c"]), ("other", vec!["b", "d"])]
    );
}

#[tokio::test]
async fn a_batch_has_a_largest_size() {
    let mut few = options();
    few.max_batch = 2;
    let (fake, publisher, gate, _first) = behind_a_gate(few, |_| Answer::Ok).await;
    let rest = publish_all(&publisher, &["a", "b", "c"], SECOND);
    until(|| publisher.queued() == 3).await;
    gate.add_permits(1);
    soon(rest.join_all()).await;
    let sizes: Vec<_> = fake.calls().iter().map(|call| call.events.len()).collect();
    assert_eq!(sizes, [1, 2, 1]);
}

#[tokio::test]
async fn a_batch_stays_below_what_daprd_takes() {
    let (fake, publisher, gate, _first) = behind_a_gate(options(), |_| Answer::Ok).await;
    let mut callers = JoinSet::new();
    for id in ["a", "b", "c"] {
        let publisher = publisher.clone();
        let event = NewEvent::new(id, vec![b'x'; 1_500_000], "text/plain");
        callers.spawn(async move { publisher.publish(event, 5 * SECOND).await });
    }
    until(|| publisher.queued() == 3).await;
    gate.add_permits(1);
    soon(callers.join_all())
        .await
        .into_iter()
        .for_each(Result::unwrap);
    let sizes: Vec<_> = fake.calls().iter().map(|call| call.events.len()).collect();
    assert_eq!(sizes, [1, 2, 1]);
}

#[tokio::test]
async fn a_poisonous_event_fails_alone() {
    // As daprd does it: one bad entry fails the call, and the answer does not say which.
    let (fake, publisher, gate, _first) = behind_a_gate(options(), |call| {
        if !call.ids().contains(&"poison") {
            Answer::Ok
        } else if call.bulk {
            Answer::Fail(Status::internal("bulk publish failed"))
        } else {
            Answer::Fail(Status::invalid_argument("cannot create cloudevent"))
        }
    })
    .await;
    let rest = publish_all(&publisher, &["a", "poison", "b"], SECOND);
    until(|| publisher.queued() == 3).await;
    gate.add_permits(1);
    for (id, result) in soon(rest.join_all()).await {
        match id {
            "poison" => {
                let error = result.unwrap_err();
                let code = "INVALID_ARGUMENT";
                assert!(matches!(error, PublishError::Rejected { code: it, .. } if it == code));
            }
            _ => result.unwrap_or_else(|error| panic!("{id}: {error}")),
        }
    }
    let calls = fake.calls();
    assert_eq!(calls.iter().filter(|call| call.bulk).count(), 1);
    let mut apart: Vec<_> = calls[2..].iter().flat_map(PublishCall::ids).collect();
    apart.sort_unstable();
    assert_eq!(
        apart,
        ["a", "b", "poison"],
        "each is asked about once, under its own id"
    );
}

#[tokio::test]
async fn an_event_that_failed_alone_joins_no_batch_again() {
    let (fake, publisher, gate, _first) = behind_a_gate(options(), |call| {
        let fail = call.ids().contains(&"poison");
        if fail {
            Answer::Fail(Status::internal("record too large"))
        } else {
            Answer::Ok
        }
    })
    .await;
    let mut rest = publish_all(&publisher, &["poison", "a"], SECOND);
    until(|| publisher.queued() == 2).await;
    gate.add_permits(1);
    let (id, result) = soon(rest.join_next()).await.unwrap().unwrap();
    assert_eq!(id, "a");
    result.unwrap();
    // While the poison is being retried, others are published, and not with it.
    for _ in 0..20 {
        soon(publish_all(&publisher, &["x", "y"], SECOND).join_all()).await;
    }
    let with_poison = fake
        .calls()
        .into_iter()
        .filter(|call| call.ids().contains(&"poison"));
    assert_eq!(with_poison.filter(|call| call.bulk).count(), 1);
    let (_, result) = soon(rest.join_next()).await.unwrap().unwrap();
    result.unwrap_err();
}

#[tokio::test]
async fn the_same_event_twice_in_a_batch_is_two_entries() {
    let (fake, publisher, gate, _first) = behind_a_gate(options(), |_| Answer::Ok).await;
    let rest = publish_all(&publisher, &["twin", "twin"], SECOND);
    until(|| publisher.queued() == 2).await;
    gate.add_permits(1);
    assert!(
        soon(rest.join_all())
            .await
            .iter()
            .all(|(_, result)| result.is_ok())
    );
    assert_eq!(fake.calls()[1].ids(), ["twin", "twin"]);
}

#[tokio::test]
async fn an_old_daprd_without_bulk_publish_still_works() {
    let (_fake, publisher, gate, _first) = behind_a_gate(options(), |call| {
        if call.bulk {
            Answer::Fail(Status::unimplemented("BulkPublishEvent"))
        } else {
            Answer::Ok
        }
    })
    .await;
    let rest = publish_all(&publisher, &["a", "b"], SECOND);
    until(|| publisher.queued() == 2).await;
    gate.add_permits(1);
    assert!(
        soon(rest.join_all())
            .await
            .iter()
            .all(|(_, result)| result.is_ok())
    );
}
