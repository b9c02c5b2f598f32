//! How long a claim lasts.

use std::time::Duration;

use dapr_pubsub::{Claim, Inbox, InboxError, Lease, record_key};
use futures_util::future::join_all;
use tokio::time::sleep;
use tonic::Status;

use super::{KEY, SOURCE, fresh, options, replicas};
use crate::{soon, until};
use dapr_pubsub::testing::Fault;

/// The shortest that a store's TTL can express.
const LEASE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_claim_outlives_its_lease_while_work_goes_on() {
    let fake = crate::fake();
    let (one, two) = replicas(&fake, LEASE);
    let lease = fresh(&one, "1").await;
    sleep(LEASE * 2).await;
    assert!(!lease.is_lost());
    assert!(matches!(two.claim(SOURCE, "1").await, Ok(Claim::Busy)));
    lease.complete().await.unwrap();
}

#[tokio::test]
async fn the_claim_of_the_dead_expires() {
    let fake = crate::fake();
    let (one, two) = replicas(&fake, LEASE);
    drop(fresh(&one, "1").await);
    assert!(matches!(two.claim(SOURCE, "1").await, Ok(Claim::Busy)));
    until(|| fake.state().record(KEY).is_none()).await;
    fresh(&two, "1").await.complete().await.unwrap();
}

#[tokio::test]
async fn a_lease_that_cannot_be_renewed_is_lost() {
    let fake = crate::fake();
    let (one, two) = replicas(&fake, LEASE);
    let lease = fresh(&one, "1").await;
    fake.state()
        .disturb(|_, _| Some(Fault::Refuse(Status::internal("redis is down"))));
    soon(lease.lost()).await;
    assert!(lease.is_lost());
    fake.state().heal();
    until(|| fake.state().record(KEY).is_none()).await;
    // Another replica has it, under an etag that may well be the same as ours was.
    let other = fresh(&two, "1").await;
    let result = lease.complete().await;
    assert!(matches!(result, Err(InboxError::LeaseLost)), "{result:?}");
    other.complete().await.unwrap();
}

#[tokio::test]
async fn a_lost_lease_cannot_be_released() {
    let fake = crate::fake();
    let (one, two) = replicas(&fake, LEASE);
    let lease = fresh(&one, "1").await;
    fake.state().disturb(|_, _| Some(Fault::Hang));
    soon(lease.lost()).await;
    fake.state().heal();
    until(|| fake.state().record(KEY).is_none()).await;
    let other = fresh(&two, "1").await;
    assert!(matches!(lease.release().await, Err(InboxError::LeaseLost)));
    assert!(!other.is_lost());
    other.complete().await.unwrap();
}

#[tokio::test]
async fn what_was_done_is_recorded_although_the_lease_was_lost_if_nobody_came() {
    let fake = crate::fake();
    let (one, two) = replicas(&fake, LEASE);
    let lease = fresh(&one, "1").await;
    fake.state()
        .disturb(|_, _| Some(Fault::Refuse(Status::unavailable("restarting"))));
    soon(lease.lost()).await;
    fake.state().heal();
    lease.complete().await.unwrap();
    assert!(matches!(two.claim(SOURCE, "1").await, Ok(Claim::Done)));
}

#[tokio::test]
async fn a_lease_notices_that_its_record_was_taken() {
    let fake = crate::fake();
    let (one, _) = replicas(&fake, LEASE);
    let lease = fresh(&one, "1").await;
    fake.state()
        .put(KEY, r#"{"state":"claimed","owner":"thief"}"#);
    soon(lease.lost()).await;
    assert!(matches!(lease.complete().await, Err(InboxError::LeaseLost)));
}

#[tokio::test]
async fn completing_survives_a_short_outage() {
    let fake = crate::fake();
    let (one, two) = replicas(&fake, LEASE);
    let lease = fresh(&one, "1").await;
    let mut failures = 2;
    fake.state().disturb(move |operation, _| {
        let now = operation == "save" && failures > 0;
        failures -= i32::from(now);
        now.then(|| Fault::Refuse(Status::internal("redis is down")))
    });
    lease.complete().await.unwrap();
    assert!(matches!(two.claim(SOURCE, "1").await, Ok(Claim::Done)));
}

#[tokio::test]
async fn done_is_only_done_with_its_retention() {
    let fake = crate::fake();
    let (one, _) = replicas(&fake, LEASE);
    let lease = fresh(&one, "1").await;
    let mut first = true;
    fake.state().disturb(move |_, value| {
        let now = value == "1" && std::mem::take(&mut first);
        now.then(|| Fault::HalfDone(Status::internal("failed to set ttl")))
    });
    lease.complete().await.unwrap();
    let expires = fake.state().record(KEY).unwrap().expires.unwrap();
    assert!(expires - tokio::time::Instant::now() > Duration::from_hours(1));
}

/// Of several that end at the same moment the first goes out at once, and the others together, in a transaction, which sets the TTL
/// even of what it cannot write.
#[tokio::test]
async fn of_many_that_end_together_only_the_lost_one_fails_and_it_shortens_nothing() {
    let fake = crate::fake();
    let (one, _) = replicas(&fake, LEASE * 10);
    let mut leases = Vec::new();
    for id in 0..8 {
        leases.push(fresh(&one, &id.to_string()).await);
    }
    // Event 1 was taken, and done.
    fake.state().put(KEY, "1");
    let ended = join_all(leases.into_iter().map(Lease::complete)).await;
    for (id, ended) in ended.into_iter().enumerate() {
        let key = record_key("worker", SOURCE, &id.to_string());
        let record = fake.state().record(&key).unwrap();
        let left = record.expires.map(|end| end - tokio::time::Instant::now());
        assert_eq!(record.value, "1", "{id}");
        assert!(left.is_none_or(|left| left > Duration::from_hours(1)));
        assert!(id == 1 || ended.is_ok(), "{id}: {ended:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_recorded_is_said_to_be_so() {
    let fake = crate::fake();
    let (one, _) = replicas(&fake, LEASE);
    let lease = fresh(&one, "1").await;
    fake.state()
        .disturb(|_, _| Some(Fault::Refuse(Status::internal("redis is down"))));
    let error = soon(lease.complete()).await.unwrap_err();
    assert!(matches!(error, InboxError::NotRecorded { .. }), "{error}");
}

#[tokio::test]
async fn spans_of_time_without_an_end_are_no_overflow() {
    let fake = crate::fake();
    let mut endless = options(Duration::MAX);
    endless.retention = Duration::MAX;
    endless.call_timeout = Duration::MAX;
    endless.retry_pause = Duration::MAX;
    let inbox = Inbox::new(&fake.sidecar(), endless);
    fresh(&inbox, "1").await.complete().await.unwrap();
    assert_eq!(inbox.shutdown(Duration::MAX).await, 0);
}
