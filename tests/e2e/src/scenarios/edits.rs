//! What has a sidecar subscribe anew while events flow, or reconnect while its worker stands still.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::crashes::{DEADLINE, events, finish, under_load as start};
use super::{Setup, exactly_once, nothing_dead};
use crate::ledger::Ledger;
use crate::load::Load;
use crate::local::{Broker as _, Stack};
use crate::worker_log::WorkerLog;

/// Until what was published before an edit has had its effect.
const HEARD: Duration = Duration::from_secs(30);

/// How long the worker stands still on both sides of the broker's death.
const STILL: Duration = Duration::from_secs(3);

/// Each with the kind of the object that it changes.
fn edits() -> [(&'static str, Value); 5] {
    let dead_letter = |topic: &str| json!({"topics": {"task": {"deadLetter": topic}}});
    let heartbeat = |interval: &str| json!({"brokers": {"kafka": {"heartbeatInterval": interval}}});
    [
        ("Subscription", dead_letter("somewhere-else")),
        ("Component", heartbeat("2s")),
        ("Subscription", dead_letter("task-events-dead-letter")),
        ("Component", heartbeat("1s")),
        ("Component", heartbeat("3s")),
    ]
}

pub(super) async fn under_load(setup: Setup, broker: &str) -> Result<String> {
    let (mut stack, ledger, load) = start(&setup, broker).await?;
    let mut log = WorkerLog::new(&stack.worker_log());
    let edits = edits();
    for (kind, values) in &edits {
        let changes = stack.apply(values).await?;
        ensure!(
            changes.len() == 1 && changes[0].object.starts_with(kind),
            "not just one {kind} has changed: {changes:?}"
        );
        heard(&load, &ledger, &mut log, broker).await?;
    }
    ensure!(
        ledger.failures().is_empty(),
        "a publish failed because of an edit: {:?}",
        ledger.failures()
    );
    broker_killed(&mut stack, broker).await?;
    let count = finish(&stack, &ledger, load, 0).await?;
    nothing_dead(&stack).await?;
    stack.shutdown().await?;
    Ok(format!("{} edits; {}", edits.len(), exactly_once(&count)?))
}

/// Waits until what was acknowledged up to now, and a while longer, has had its effect: the subscriber is not deaf.
async fn heard(load: &Load, ledger: &Ledger, log: &mut WorkerLog, broker: &str) -> Result<()> {
    load.acknowledge(events(broker), DEADLINE).await?;
    let due = ledger.acknowledged_tasks();
    log.wait("events after an edit", HEARD, |effects| {
        due.iter().all(|task| effects.contains_key(task))
    })
    .await
}

/// It dies and comes back while the worker stands still.
async fn broker_killed(stack: &mut Stack, broker: &str) -> Result<()> {
    let worker = stack.worker().service()?.process();
    worker.suspend();
    sleep(STILL).await;
    stack.server_mut(broker)?.kill().await?;
    stack.server_mut(broker)?.start().await?;
    sleep(STILL).await;
    worker.resume();
    Ok(())
}
