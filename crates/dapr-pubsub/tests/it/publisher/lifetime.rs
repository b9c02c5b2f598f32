//! Bounds, callers that leave, and the end.

use std::sync::Arc;
use std::time::Duration;

use dapr_pubsub::{PublishError, Publisher};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{SECOND, event, options, publish_all};
use crate::{soon, until};
use dapr_pubsub::testing::{Answer, FakeSidecar};

const MS: Duration = Duration::from_millis(1);

fn hanging() -> (FakeSidecar, Publisher) {
    let fake = crate::fake();
    fake.on_publish(|_| Answer::Never);
    let mut small = options();
    small.queue_capacity = 2;
    let publisher = Publisher::new(&fake.sidecar(), small);
    (fake, publisher)
}

#[tokio::test]
async fn a_broker_that_hangs_fills_the_queue_and_no_more() {
    let (fake, publisher) = hanging();
    let _first = publish_all(&publisher, &["first"], 10 * SECOND);
    until(|| fake.calls().len() == 1).await;
    let waiting = publish_all(&publisher, &["a", "b"], 300 * MS);
    until(|| publisher.queued() == 2).await;

    let started = Instant::now();
    let refused = publisher.publish(event("c"), SECOND).await;
    assert!(
        matches!(refused, Err(PublishError::QueueFull { waiting: 2 })),
        "{refused:?}"
    );
    assert!(
        started.elapsed() < 100 * MS,
        "refused at once, not after a wait"
    );

    // Nobody is held beyond the deadline, and these were certainly not sent.
    for (_, result) in soon(waiting.join_all()).await {
        let never_sent = matches!(result, Err(PublishError::Unavailable { attempts: 0, .. }));
        assert!(never_sent, "{result:?}");
    }
    assert_eq!(publisher.queued(), 0);
}

#[tokio::test]
async fn a_caller_that_leaves_takes_its_event_along() {
    let (fake, publisher) = hanging();
    let _first = publish_all(&publisher, &["first"], 10 * SECOND);
    until(|| fake.calls().len() == 1).await;
    let mut leaving = publish_all(&publisher, &["a", "b"], 10 * SECOND);
    until(|| publisher.queued() == 2).await;
    leaving.shutdown().await;
    assert_eq!(publisher.queued(), 0);
}

#[tokio::test]
async fn what_left_while_it_was_in_flight_is_not_tried_again() {
    let fake = crate::fake();
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    fake.on_publish(move |_| Answer::Held(held.clone()));
    let mut quick = options();
    quick.attempt_timeout = 100 * MS;
    let publisher = Publisher::new(&fake.sidecar(), quick);
    let mut leaving = publish_all(&publisher, &["gone"], 10 * SECOND);
    until(|| fake.calls().len() == 1).await;
    leaving.shutdown().await;
    gate.add_permits(2);
    publisher.publish(event("next"), SECOND).await.unwrap();
    assert_eq!(fake.calls().len(), 2);
    assert_eq!(publisher.shutdown(SECOND).await, 0);
}

#[tokio::test]
async fn shutdown_waits_for_what_is_queued_and_takes_no_more() {
    let fake = crate::fake();
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    fake.on_publish(move |_| Answer::Held(held.clone()));
    let publisher = Publisher::new(&fake.sidecar(), options());
    let first = publish_all(&publisher, &["a"], 5 * SECOND);
    until(|| fake.calls().len() == 1).await;
    let callers = publish_all(&publisher, &["b", "c"], 5 * SECOND);
    until(|| publisher.queued() == 2).await;

    let other = publisher.clone();
    let shutdown = async { other.shutdown(5 * SECOND).await };
    let meanwhile = async {
        // A rejected event shows that the shutdown has begun.
        loop {
            match publisher.publish(event("late"), 10 * MS).await {
                Err(PublishError::Closed) => break,
                _ => tokio::task::yield_now().await,
            }
        }
        gate.add_permits(10);
    };
    let (left, ()) = soon(async { tokio::join!(shutdown, meanwhile) }).await;
    assert_eq!(left, 0);
    assert!(
        soon(first.join_all())
            .await
            .iter()
            .all(|(_, result)| result.is_ok())
    );
    assert!(
        soon(callers.join_all())
            .await
            .iter()
            .all(|(_, result)| result.is_ok())
    );
    assert_eq!(
        publisher.shutdown(SECOND).await,
        0,
        "a second shutdown has nothing to do"
    );
}

#[tokio::test]
async fn shutdown_does_not_wait_for_ever() {
    let (fake, publisher) = hanging();
    let callers = publish_all(&publisher, &["in-flight"], 10 * SECOND);
    until(|| fake.calls().len() == 1).await;
    let queued = publish_all(&publisher, &["queued"], 10 * SECOND);
    until(|| publisher.queued() == 1).await;

    assert_eq!(publisher.shutdown(100 * MS).await, 2);
    let (_, result) = soon(callers.join_all()).await.remove(0);
    assert!(
        matches!(result, Err(PublishError::Deadline { .. })),
        "{result:?}"
    );
    let (_, result) = soon(queued.join_all()).await.remove(0);
    assert!(matches!(result, Err(PublishError::Closed)), "{result:?}");
}

#[tokio::test]
async fn spans_of_time_without_an_end_are_no_overflow() {
    let fake = crate::fake();
    let mut endless = options();
    endless.attempt_timeout = Duration::MAX;
    endless.backoff_initial = Duration::MAX;
    endless.backoff_max = Duration::MAX;
    let publisher = Publisher::new(&fake.sidecar(), endless);
    let result = publisher.publish(event("1"), Duration::MAX).await;
    result.unwrap();
    assert_eq!(publisher.shutdown(Duration::MAX).await, 0);
}
