//! How often an event may fail.

use std::time::Duration;

use dapr_pubsub::{Claim, EventState, Inbox, InboxOptions, InboxReader, Lease, Outcome};

use crate::soon;
use dapr_pubsub::testing::FakeSidecar;

fn options() -> InboxOptions {
    let mut options = InboxOptions::new("store", "worker");
    options.max_attempts = Some(3);
    options.lease = Duration::from_secs(1);
    options
}

async fn claim(inbox: &Inbox) -> Lease {
    match soon(inbox.claim("api", "1")).await.unwrap() {
        Claim::Fresh(lease) => lease,
        other => panic!("{other:?}"),
    }
}

fn record(fake: &FakeSidecar) -> serde_json::Value {
    let stored = fake
        .state()
        .record(&dapr_pubsub::record_key("worker", "api", "1"))
        .unwrap();
    serde_json::from_str(&stored.value).unwrap()
}

#[tokio::test]
async fn the_last_failure_is_a_drop_and_the_reason_is_kept() {
    let fake = crate::fake();
    // Each attempt by another replica, or after a restart.
    let inbox = || Inbox::new(&fake.sidecar(), options());
    for before in 0..2 {
        let lease = claim(&inbox()).await;
        assert_eq!(lease.failures(), before);
        assert_eq!(lease.fail("no answer").await.unwrap(), Outcome::Retry);
    }
    let last = claim(&inbox()).await;
    assert_eq!(
        last.fail(format!("no {}", "é".repeat(600))).await.unwrap(),
        Outcome::Drop
    );
    let record = record(&fake);
    assert_eq!(
        (&record["state"], &record["failures"], &record["dropped"]),
        (&"failed".into(), &3.into(), &true.into())
    );
    assert!(record["reason"].as_str().unwrap().len() <= 500);
    let reader = InboxReader::new(&fake.sidecar(), "store");
    let state = reader
        .state("worker", "api", "1", Duration::from_secs(1))
        .await
        .unwrap();
    assert_eq!(state, EventState::Failed);

    // Out of the dead letters it has one more attempt, and then what it has is an effect or another dead letter.
    let again = claim(&inbox()).await;
    assert_eq!(again.fail("still").await.unwrap(), Outcome::Drop);
    claim(&inbox()).await.complete().await.unwrap();
    assert!(matches!(
        inbox().claim("api", "1").await.unwrap(),
        Claim::Done
    ));
}

#[tokio::test]
async fn what_is_released_is_not_counted() {
    let fake = crate::fake();
    let inbox = Inbox::new(&fake.sidecar(), options());
    assert_eq!(
        claim(&inbox).await.fail("once").await.unwrap(),
        Outcome::Retry
    );
    for _ in 0..5 {
        let lease = claim(&inbox).await;
        assert_eq!(lease.failures(), 1);
        lease.release().await.unwrap();
    }
}

#[tokio::test]
async fn an_interrupted_handler_has_failed_when_its_claim_ends() {
    let fake = crate::fake();
    let mut options = options();
    options.max_attempts = Some(1);
    let inbox = Inbox::new(&fake.sidecar(), options);
    drop(claim(&inbox).await);
    // Its work may go on somewhere.
    assert!(matches!(
        inbox.claim("api", "1").await.unwrap(),
        Claim::Busy
    ));
    let exhausted = async {
        loop {
            match inbox.claim("api", "1").await.unwrap() {
                Claim::Busy => tokio::time::sleep(Duration::from_millis(20)).await,
                other => break other,
            }
        }
    };
    match soon(exhausted).await {
        Claim::Exhausted {
            attempts: 1,
            reason,
        } => assert!(reason.contains("interrupted")),
        other => panic!("{other:?}"),
    }
    drop(claim(&inbox).await);
}

#[tokio::test]
async fn a_copy_that_comes_too_soon_is_no_attempt() {
    let fake = crate::fake();
    let mut options = options();
    options.retry_pause = Duration::from_mins(1);
    let inbox = Inbox::new(&fake.sidecar(), options.clone());
    assert_eq!(
        claim(&inbox).await.fail("once").await.unwrap(),
        Outcome::Retry
    );
    assert!(matches!(
        inbox.claim("api", "1").await.unwrap(),
        Claim::Busy
    ));
    options.retry_pause = Duration::ZERO;
    assert_eq!(
        claim(&Inbox::new(&fake.sidecar(), options))
            .await
            .failures(),
        1
    );
}

#[tokio::test]
async fn a_count_survives_the_death_of_a_process_in_the_middle_of_an_attempt() {
    let fake = crate::fake();
    let inbox = Inbox::new(&fake.sidecar(), options());
    assert_eq!(
        claim(&inbox).await.fail("once").await.unwrap(),
        Outcome::Retry
    );
    // As a claim looks whose holder does not renew it any more.
    let runtime = std::thread::spawn({
        let sidecar = fake.address;
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let endpoint = dapr_pubsub::SidecarOptions::new(format!("http://{sidecar}"));
                let sidecar = dapr_pubsub::Sidecar::new(&endpoint);
                std::mem::forget(claim(&Inbox::new(&sidecar.unwrap(), options())).await);
            });
        }
    });
    runtime.join().unwrap();
    let lease = loop {
        match inbox.claim("api", "1").await.unwrap() {
            Claim::Busy => tokio::time::sleep(Duration::from_millis(20)).await,
            Claim::Fresh(lease) => break lease,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(lease.failures(), 1);
}
