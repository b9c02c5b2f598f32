//! What has a sidecar subscribe anew while events flow, or reconnect while its worker stands still.
//!
//! After an edit of a Subscription on Kafka, daprd 1.18 is deaf more often than not: its component takes the new subscription of a
//! topic away together with the old one (`docs/UPSTREAM.md`). The worker's watchdog notices, and has the sidecar started again.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use tokio::time::sleep;

use super::{Setup, UnderLoad, nothing_dead};

/// Until what was published after an edit has had its effect: with the watchdog's times here, and some starts of the sidecar, on a
/// machine that may be busy. Without the watchdog it is never.
const HEARD: Duration = Duration::from_mins(2);

/// How long the worker stands still on both sides of the broker's death.
const STILL: Duration = Duration::from_secs(3);

pub(super) async fn under_load(setup: Setup, broker: &str) -> Result<String> {
    let watchdog = json!({"delivery": {"watchdog": {"silence": "5s", "patience": "3s"}}});
    let mut options = setup.with_broker(broker).with(&watchdog);
    options.restarts = true;
    let mut stack = setup.start(options).await?;
    let under = UnderLoad::start(&stack).await?;
    let dead_letter = |topic: &str| json!({"topics": {"task": {"deadLetter": topic}}});
    let heartbeat = json!({"brokers": {"kafka": {"heartbeatInterval": "1s"}}});
    // Each with the kind of the object that it changes.
    let edits = [
        ("Subscription", dead_letter("somewhere-else")),
        ("Component", heartbeat),
        ("Subscription", dead_letter("task-events-dead-letter")),
    ];
    for (kind, values) in &edits {
        let changes = stack.apply(values).await?;
        let one = changes.len() == 1 && changes[0].starts_with(kind);
        ensure!(one, "not just one {kind} has changed: {changes:?}");
        // What was acknowledged up to now, and a while longer, has its effect: the subscriber is not deaf.
        under.go_on().await?;
        let due = under.ledger.acknowledged_tasks();
        let heard = under.effects.wait_for("after an edit", HEARD, &due);
        heard.await?;
    }
    let failures = under.ledger.failures();
    ensure!(failures.is_empty(), "an edit made fail: {failures:?}");
    // The broker dies and comes back while the worker stands still.
    let worker = stack.worker.service()?.process();
    worker.suspend();
    sleep(STILL).await;
    stack.broker(broker)?.kill().await?;
    stack.broker(broker)?.start().await?;
    sleep(STILL).await;
    worker.resume();
    let figures = under.finish(&stack, 0).await?.exactly_once()?;
    nothing_dead(&stack).await?;
    let (edits, restarts) = (edits.len(), stack.take_restarts().len());
    let told = format!("{edits} edits, {restarts} sidecars started again");
    Ok(format!("{told}; {figures}"))
}
