//! Black-box tests: the public API against a sidecar of our own making.
// A panic is how a test fails, and nothing here is seen from outside.
#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::unwrap_used
)]

mod callback;
mod canary;
mod inbox;
mod metrics;
mod publisher;
mod subscriptions;
mod tracing_setup;
mod watchdog;

use std::time::Duration;

use dapr_pubsub::testing::FakeSidecar;
use tokio::time::{Instant, sleep, timeout};

/// What no test should come near to.
const PATIENCE: Duration = Duration::from_secs(10);

/// A sidecar of one's own.
fn fake() -> FakeSidecar {
    tracing_setup::install();
    FakeSidecar::start()
}

/// Waits for something that has no notification of its own.
async fn until(mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "waited in vain");
        sleep(Duration::from_millis(1)).await;
    }
}

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("took too long")
}
