mod attempts;
mod claims;
mod leases;
mod once;

use std::time::Duration;

use dapr_pubsub::{Claim, Inbox, InboxOptions, Lease};

use dapr_pubsub::testing::FakeSidecar;

const SOURCE: &str = "task-api";
/// Of the event `1` of `task-api`, for the consumer `worker`.
const KEY: &str = "B1bEWwPAUfe4XWKHyocKYw";

fn options(lease: Duration) -> InboxOptions {
    let mut options = InboxOptions::new("statestore", "worker");
    options.lease = lease;
    options.call_timeout = Duration::from_secs(1);
    options
}

/// Two replicas of a service.
fn replicas(fake: &FakeSidecar, lease: Duration) -> (Inbox, Inbox) {
    let inbox = || Inbox::new(&fake.sidecar(), options(lease));
    (inbox(), inbox())
}

async fn fresh(inbox: &Inbox, id: &str) -> Lease {
    match inbox.claim(SOURCE, id).await.unwrap() {
        Claim::Fresh(lease) => lease,
        other => panic!("{other:?}"),
    }
}
