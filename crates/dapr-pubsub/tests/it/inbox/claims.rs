//! Who gets an event.

use std::time::Duration;

use dapr_pubsub::{Claim, Inbox, InboxError, Outcome};
use tokio::task::JoinSet;
use tonic::Status;

use super::{KEY, SOURCE, fresh, options, replicas};
use crate::{soon, until};
use dapr_pubsub::testing::Fault;

const TEN: Duration = Duration::from_secs(10);

#[tokio::test]
async fn of_many_one_gets_it() {
    let fake = crate::fake();
    let mut claims = JoinSet::new();
    for _ in 0..20 {
        let inbox = Inbox::new(&fake.sidecar(), options(TEN));
        claims.spawn(async move { inbox.claim(SOURCE, "1").await.unwrap() });
    }
    let claims = soon(claims.join_all()).await;
    let count = |wanted: fn(&Claim) -> bool| claims.iter().filter(|claim| wanted(claim)).count();
    assert_eq!(count(|claim| matches!(claim, Claim::Fresh(_))), 1);
    assert_eq!(count(|claim| matches!(claim, Claim::Busy)), 19);
}

#[tokio::test]
async fn what_is_done_stays_done() {
    let fake = crate::fake();
    let (one, two) = replicas(&fake, TEN);
    let lease = fresh(&one, "1").await;
    assert!(matches!(two.claim(SOURCE, "1").await, Ok(Claim::Busy)));
    lease.complete().await.unwrap();
    assert!(matches!(two.claim(SOURCE, "1").await, Ok(Claim::Done)));
    assert!(matches!(one.claim(SOURCE, "1").await, Ok(Claim::Done)));

    let record = fake.state().record(KEY).unwrap();
    assert_eq!(record.value, "1");
    let left = record.expires.unwrap() - tokio::time::Instant::now();
    assert!(left > Duration::from_hours(23), "{left:?}");
}

#[tokio::test]
async fn what_is_released_can_be_claimed_at_once() {
    let fake = crate::fake();
    let (one, two) = replicas(&fake, TEN);
    fresh(&one, "1").await.release().await.unwrap();
    assert!(fake.state().record(KEY).is_none());
    fresh(&two, "1").await.complete().await.unwrap();
}

#[tokio::test]
async fn sources_and_consumers_do_not_mix() {
    let fake = crate::fake();
    let inbox = Inbox::new(&fake.sidecar(), options(TEN));
    let _held = fresh(&inbox, "1").await;
    assert!(matches!(
        inbox.claim("other-api", "1").await,
        Ok(Claim::Fresh(_))
    ));
    let mut other = options(TEN);
    other.consumer = "auditor".to_owned();
    let other = Inbox::new(&fake.sidecar(), other);
    assert!(matches!(
        other.claim(SOURCE, "1").await,
        Ok(Claim::Fresh(_))
    ));
}

#[tokio::test]
async fn when_the_store_is_down_nothing_is_known() {
    let mut fake = crate::fake();
    let inbox = Inbox::new(&fake.sidecar(), options(TEN));
    inbox.check(TEN).await.unwrap();
    fake.state()
        .disturb(|_, _| Some(Fault::Refuse(Status::internal("redis is down"))));
    assert!(inbox.check(TEN).await.is_err());
    let error = inbox.claim(SOURCE, "1").await.unwrap_err();
    assert!(matches!(error, InboxError::Unavailable { .. }), "{error}");
    assert_eq!(Outcome::from(error), Outcome::Retry);

    fake.state().disturb(|_, _| Some(Fault::Hang));
    assert!(soon(inbox.claim(SOURCE, "1")).await.is_err());

    fake.stop().await;
    assert!(soon(inbox.claim(SOURCE, "1")).await.is_err());
}

#[tokio::test]
async fn a_copy_of_what_was_finished_here_needs_no_call() {
    let fake = crate::fake();
    let (one, two) = replicas(&fake, TEN);
    fresh(&one, "1").await.complete().await.unwrap();
    fake.state()
        .disturb(|_, _| Some(Fault::Refuse(Status::internal("redis is down"))));
    assert!(matches!(one.claim(SOURCE, "1").await, Ok(Claim::Done)));
    assert!(two.claim(SOURCE, "1").await.is_err());
    assert!(one.claim(SOURCE, "2").await.is_err());
}

/// Redis out of memory, READONLY or MISCONF: it answers, and takes nothing.
#[tokio::test]
async fn a_store_that_can_only_be_read_does_not_pass_the_check() {
    let fake = crate::fake();
    let inbox = Inbox::new(&fake.sidecar(), options(TEN));
    for _ in 0..2 {
        inbox.check(TEN).await.unwrap();
    }
    fake.state().disturb(|operation, _| {
        let full = Status::internal("OOM command not allowed when used memory > 'maxmemory'");
        (operation == "save").then_some(Fault::Refuse(full))
    });
    assert!(inbox.check(TEN).await.is_err());
}

/// Its etags begin where those of the dead one's claim did.
#[tokio::test]
async fn the_claim_of_the_next_holder_is_not_taken_over_for_the_dead_ones() {
    let fake = crate::fake();
    let inbox = Inbox::new(&fake.sidecar(), options(Duration::from_millis(100)));
    let claimed = |owner: &str| {
        let record = format!(r#"{{"state":"claimed","owner":"{owner}","lease":100}}"#);
        fake.state().put(KEY, &record);
    };
    claimed("dead");
    assert!(matches!(inbox.claim(SOURCE, "1").await, Ok(Claim::Busy)));
    tokio::time::sleep(Duration::from_millis(160)).await;
    claimed("alive");
    assert!(matches!(inbox.claim(SOURCE, "1").await, Ok(Claim::Busy)));
}

#[tokio::test]
async fn a_holder_with_a_longer_lease_keeps_its_claim() {
    let fake = crate::fake();
    let inbox = Inbox::new(&fake.sidecar(), options(Duration::from_millis(100)));
    let record = r#"{"state":"claimed","owner":"slow","lease":6000}"#;
    fake.state().put(KEY, record);
    for _ in 0..2 {
        assert!(matches!(inbox.claim(SOURCE, "1").await, Ok(Claim::Busy)));
        tokio::time::sleep(Duration::from_millis(160)).await;
    }
    assert!(matches!(inbox.claim(SOURCE, "1").await, Ok(Claim::Busy)));
}

#[tokio::test]
async fn a_claim_that_was_written_but_reported_as_failed_is_made_good() {
    let fake = crate::fake();
    let inbox = Inbox::new(&fake.sidecar(), options(TEN));
    let mut first = true;
    fake.state().disturb(move |operation, _| {
        let now = operation == "save" && std::mem::take(&mut first);
        now.then(|| Fault::HalfDone(Status::internal("failed to set ttl")))
    });
    let lease = fresh(&inbox, "1").await;
    assert!(
        fake.state().record(KEY).unwrap().expires.is_some(),
        "the TTL is set by now"
    );
    lease.complete().await.unwrap();
}

#[tokio::test]
async fn a_record_of_something_else_is_an_error() {
    let fake = crate::fake();
    let inbox = Inbox::new(&fake.sidecar(), options(TEN));
    fake.state().put(KEY, r#"{"surprise":1}"#);
    let error = inbox.claim(SOURCE, "1").await.unwrap_err();
    assert!(matches!(error, InboxError::Record { .. }), "{error}");
}

#[tokio::test]
async fn a_claim_without_an_end_is_taken_over_when_it_does_not_move() {
    let fake = crate::fake();
    let inbox = Inbox::new(&fake.sidecar(), options(Duration::from_millis(100)));
    // A sidecar died between writing it and setting its TTL, and the holder with it.
    fake.state()
        .put(KEY, r#"{"state":"claimed","owner":"dead"}"#);
    assert!(matches!(inbox.claim(SOURCE, "1").await, Ok(Claim::Busy)));
    assert!(matches!(inbox.claim(SOURCE, "1").await, Ok(Claim::Busy)));
    tokio::time::sleep(Duration::from_millis(160)).await;
    fresh(&inbox, "1").await.complete().await.unwrap();
}

#[tokio::test]
async fn shutdown_waits_for_leases() {
    let fake = crate::fake();
    let inbox = Inbox::new(&fake.sidecar(), options(TEN));
    let lease = fresh(&inbox, "1").await;
    assert_eq!(inbox.shutdown(Duration::from_millis(20)).await, 1);
    lease.complete().await.unwrap();
    assert_eq!(inbox.shutdown(TEN).await, 0);
    until(|| fake.state().record(KEY).unwrap().value == "1").await;
}
