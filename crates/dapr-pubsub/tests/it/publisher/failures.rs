//! What is tried again, until when, and what the caller is told.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use dapr_pubsub::{PublishError, Publisher, PublisherOptions};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::{SECOND, event, options, publish_all};
use crate::{soon, until};
use dapr_pubsub::testing::Answer;

const MS: Duration = Duration::from_millis(1);

/// Leaves each attempt so much time that a busy machine answers it before the deadline.
fn slow_retries() -> PublisherOptions {
    let mut options = options();
    options.backoff_initial = 500 * MS;
    options
}

/// Fails the first `times` calls.
fn fails(
    times: usize,
    status: Status,
) -> impl FnMut(&dapr_pubsub::testing::PublishCall) -> Answer + Send {
    let mut left = times;
    move |_| {
        if left == 0 {
            return Answer::Ok;
        }
        left -= 1;
        Answer::Fail(status.clone())
    }
}

/// Fails the first call like this, and the others like that.
fn first_then(
    first: Status,
    others: Status,
) -> impl FnMut(&dapr_pubsub::testing::PublishCall) -> Answer + Send {
    let mut first = Some(first);
    move |_| Answer::Fail(first.take().unwrap_or_else(|| others.clone()))
}

/// What is told beside "it may have been published".
fn cause_of_unknown(result: Result<(), PublishError>) -> String {
    match result {
        Err(PublishError::Deadline {
            source: Some(source),
            ..
        }) => source.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn attempts_are_repeated_under_the_same_id() {
    for status in [
        Status::unavailable("starting"),
        Status::internal("redis is down"),
        Status::deadline_exceeded("slow"),
        Status::aborted("moved"),
        Status::resource_exhausted("busy"),
        Status::unknown("?"),
    ] {
        let fake = crate::fake();
        fake.on_publish(fails(3, status));
        let publisher = Publisher::new(&fake.sidecar(), options());
        publisher.publish(event("same"), SECOND).await.unwrap();
        let calls = fake.calls();
        assert_eq!(calls.len(), 4);
        assert!(calls.iter().all(|call| call.ids() == ["same"]));
        assert!(
            calls
                .iter()
                .all(|call| call.events[0].data == calls[0].events[0].data)
        );
    }
}

#[tokio::test]
async fn a_component_that_is_being_loaded_is_waited_for() {
    let details = ErrorDetails::with_error_info("DAPR_PUBSUB_NOT_FOUND", "dapr.io", HashMap::new());
    let status = Status::with_error_details(Code::InvalidArgument, "pubsub is not found", details);
    let fake = crate::fake();
    fake.on_publish(fails(2, status));
    Publisher::new(&fake.sidecar(), options())
        .publish(event("1"), SECOND)
        .await
        .unwrap();
    assert_eq!(fake.calls().len(), 3);
}

#[tokio::test]
async fn what_daprd_will_never_take_is_told_at_once() {
    for (status, name) in [
        (
            Status::permission_denied("topic is not allowed"),
            "PERMISSION_DENIED",
        ),
        (Status::unauthenticated("token"), "UNAUTHENTICATED"),
        (Status::invalid_argument("bad metadata"), "INVALID_ARGUMENT"),
    ] {
        let fake = crate::fake();
        fake.on_publish(fails(usize::MAX, status.clone()));
        let publisher = Publisher::new(&fake.sidecar(), options());
        match publisher.publish(event("1"), SECOND).await {
            Err(PublishError::Rejected {
                code,
                message,
                source: Some(_),
            }) => {
                assert_eq!(code, name);
                assert_eq!(message, status.message());
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(fake.calls().len(), 1);
    }
}

#[tokio::test]
async fn refusals_until_the_deadline_mean_unavailable() {
    let fake = crate::fake();
    fake.on_publish(fails(usize::MAX, Status::unavailable("daprd is starting")));
    let publisher = Publisher::new(&fake.sidecar(), slow_retries());
    let started = Instant::now();
    let result = publisher.publish(event("1"), 2 * SECOND).await;
    assert!(started.elapsed() < 3 * SECOND);
    match result {
        Err(PublishError::Unavailable {
            attempts: 2..,
            source: Some(source),
        }) => {
            assert!(source.to_string().contains("daprd is starting"), "{source}");
        }
        other => panic!("{other:?}"),
    }
}

/// The broker's connection may break after it has stored the event; that it refuses later ones says nothing about the first.
#[tokio::test]
async fn an_error_of_the_broker_leaves_the_outcome_unknown() {
    let fake = crate::fake();
    fake.on_publish(first_then(
        Status::internal("connection reset by peer"),
        Status::unavailable("daprd is starting"),
    ));
    let publisher = Publisher::new(&fake.sidecar(), options());
    let cause = cause_of_unknown(publisher.publish(event("1"), 300 * MS).await);
    assert!(cause.contains("starting"), "{cause}");
}

/// Entries of a bulk call may have been taken before it failed, whatever becomes of the single calls after it.
#[tokio::test]
async fn a_bulk_call_that_fails_midway_leaves_every_outcome_unknown() {
    let fake = crate::fake();
    fake.on_publish(|call| {
        Answer::Fail(if call.ids().len() > 1 {
            Status::internal("broken pipe")
        } else {
            Status::unavailable("daprd is starting")
        })
    });
    let publisher = Publisher::new(&fake.sidecar(), options());
    let all = publish_all(&publisher, &["1", "2", "3"], 300 * MS);
    for (id, result) in soon(all.join_all()).await {
        let shared = fake.calls().iter().any(|call| {
            let ids = call.ids();
            ids.len() > 1 && ids.contains(&id)
        });
        let unknown = matches!(result, Err(PublishError::Deadline { .. }));
        assert_eq!(unknown, shared, "{id}: {result:?}");
    }
}

#[tokio::test]
async fn silence_means_that_the_outcome_is_unknown() {
    let fake = crate::fake();
    fake.on_publish(|_| Answer::Never);
    let publisher = Publisher::new(&fake.sidecar(), options());
    let started = Instant::now();
    let result = publisher.publish(event("1"), 200 * MS).await;
    assert!(started.elapsed() < 500 * MS);
    assert!(
        matches!(result, Err(PublishError::Deadline { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn an_attempt_without_an_answer_makes_the_outcome_unknown_for_good() {
    let fake = crate::fake();
    let mut first = true;
    fake.on_publish(move |_| {
        if std::mem::take(&mut first) {
            Answer::Never
        } else {
            Answer::Fail(Status::internal("redis is down"))
        }
    });
    let mut quick = options();
    quick.attempt_timeout = 50 * MS;
    let result = Publisher::new(&fake.sidecar(), quick)
        .publish(event("1"), 300 * MS)
        .await;
    assert!(
        matches!(result, Err(PublishError::Deadline { .. })),
        "{result:?}"
    );
    assert!(fake.calls().len() > 2);
}

/// A rejection is final for what it answers, and says nothing about an attempt before it.
#[tokio::test]
async fn a_rejection_after_an_unknown_attempt_leaves_the_outcome_unknown() {
    let fake = crate::fake();
    fake.on_publish(first_then(
        Status::internal("connection reset by peer"),
        Status::permission_denied("the scopes were changed"),
    ));
    let publisher = Publisher::new(&fake.sidecar(), options());
    let cause = cause_of_unknown(publisher.publish(event("1"), SECOND).await);
    assert!(cause.contains("scopes"), "{cause}");
}

#[tokio::test]
async fn time_that_runs_out_in_the_middle_of_a_call_keeps_the_last_cause() {
    let fake = crate::fake();
    let mut first = true;
    fake.on_publish(move |_| {
        if std::mem::take(&mut first) {
            Answer::Fail(Status::unavailable("daprd is starting"))
        } else {
            Answer::Never
        }
    });
    let publisher = Publisher::new(&fake.sidecar(), options());
    let cause = cause_of_unknown(publisher.publish(event("1"), 300 * MS).await);
    assert!(cause.contains("starting"), "{cause}");
    assert!(fake.calls().len() > 1);
}

#[tokio::test]
async fn a_slow_attempt_is_given_up_for_another() {
    let fake = crate::fake();
    let mut first = true;
    fake.on_publish(move |_| {
        if std::mem::take(&mut first) {
            Answer::Never
        } else {
            Answer::Ok
        }
    });
    let mut quick = options();
    quick.attempt_timeout = 50 * MS;
    Publisher::new(&fake.sidecar(), quick)
        .publish(event("1"), SECOND)
        .await
        .unwrap();
    assert_eq!(fake.calls().len(), 2);
}

/// While a broker is away all that waits gets old. Attempts as short as the rest of their callers' time would give no component
/// the time to reconnect.
#[tokio::test]
async fn an_attempt_has_its_whole_time_when_its_caller_has_little() {
    let fake = crate::fake();
    let gate = Arc::new(Semaphore::new(0));
    let mut first = Some(Arc::clone(&gate));
    fake.on_publish(move |_| first.take().map_or(Answer::Ok, Answer::Held));
    let mut one_at_a_time = options();
    one_at_a_time.max_in_flight = 1;
    one_at_a_time.attempt_timeout = 10 * SECOND;
    let publisher = Publisher::new(&fake.sidecar(), one_at_a_time);
    let result = publisher.publish(event("1"), 100 * MS).await;
    assert!(
        matches!(result, Err(PublishError::Deadline { .. })),
        "{result:?}"
    );
    let caller = publish_all(&publisher, &["2"], 5 * SECOND);
    until(|| publisher.queued() == 1).await;
    assert_eq!(fake.calls().len(), 1, "the first attempt was cut short");
    gate.add_permits(1);
    let results = soon(caller.join_all()).await;
    assert!(results.iter().all(|(_, result)| result.is_ok()));
}

#[tokio::test]
async fn the_sidecar_may_come_later_and_go_in_between() {
    let mut fake = crate::fake();
    fake.stop().await;
    let publisher = Publisher::new(&fake.sidecar(), slow_retries());
    match publisher.publish(event("1"), 2 * SECOND).await {
        Err(PublishError::Unavailable {
            attempts: 1..,
            source: Some(_),
        }) => {}
        other => panic!("{other:?}"),
    }
    let caller = publish_all(&publisher, &["2"], 5 * SECOND);
    until(|| publisher.queued() == 1).await;
    fake.restart();
    assert!(
        soon(caller.join_all())
            .await
            .iter()
            .all(|(_, result)| result.is_ok())
    );

    fake.stop().await;
    let caller = publish_all(&publisher, &["3"], 5 * SECOND);
    until(|| publisher.queued() == 1).await;
    fake.restart();
    assert!(
        soon(caller.join_all())
            .await
            .iter()
            .all(|(_, result)| result.is_ok())
    );
}

#[tokio::test]
async fn an_event_at_rest_holds_up_nothing() {
    let fake = crate::fake();
    fake.on_publish(|call| {
        let fail = call.ids().contains(&"bad");
        if fail {
            Answer::Fail(Status::unavailable("no"))
        } else {
            Answer::Ok
        }
    });
    let mut long_rests = options();
    long_rests.backoff_initial = 2 * SECOND;
    long_rests.backoff_max = 2 * SECOND;
    let publisher = Publisher::new(&fake.sidecar(), long_rests);
    let bad = publish_all(&publisher, &["bad"], 5 * SECOND);
    until(|| !fake.calls().is_empty()).await;
    let started = Instant::now();
    for _ in 0..10 {
        publisher.publish(event("good"), SECOND).await.unwrap();
    }
    assert!(started.elapsed() < SECOND);
    drop(bad);
}
