//! A long outage of what the worker needs: back-pressure, not dead letters.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{QUIET, SETTLE_DEADLINE, Setup};
use crate::ledger::Ledger;
use crate::load::Load;
use crate::local::Broker as _;
use crate::worker_log::WorkerLog;

/// Events per second.
const RATE: u32 = 50;
const BEFORE: usize = 100;
const DEADLINE: Duration = Duration::from_mins(1);

/// Twenty seconds of load: with the short timings of scenarios, events are retried for ten.
const DURING: usize = 1000;

/// What a sidecar has in hand when the outage begins: one event of each of Kafka's partitions.
const IN_HAND: usize = 3;

pub(super) async fn state_store(setup: Setup, broker: &str) -> Result<String> {
    let mut stack = setup.start(setup.with_broker(broker)).await?;
    let ledger = Ledger::default();
    let load = Load::start(stack.endpoints(), RATE, &ledger);
    load.acknowledge(BEFORE, DEADLINE).await?;
    stack.redis_mut().kill().await?;
    load.acknowledge(DURING, DEADLINE).await?;
    stack.redis_mut().start().await?;
    load.acknowledge(BEFORE, DEADLINE).await?;
    load.stop().await?;

    let topic = stack.dead_letter_topic(broker)?.to_owned();
    let mut log = WorkerLog::new(&stack.worker_log());
    let few = |missing: usize| missing <= IN_HAND;
    log.wait("all but what was in hand", SETTLE_DEADLINE, |effects| {
        few(ledger.missing(effects).len())
    })
    .await?;
    log.settle(QUIET).await?;
    let letters = stack.read_topic(broker, &topic).await?.concat();
    let missing = ledger.missing(log.effects());
    let vanished: Vec<_> = missing
        .iter()
        .filter(|task| !letters.contains(&task.to_string()))
        .collect();
    ensure!(
        vanished.is_empty(),
        "neither an effect nor a dead letter: {vanished:?}"
    );
    let count = ledger.total(log.effects());
    ensure!(
        count.duplicated_effects == 0 && count.failed_publishes == 0,
        "{count:?}"
    );
    stack.shutdown().await?;
    Ok(format!(
        "{} acknowledged, {} received, {} in the dead letters, 0 duplicated effects, 0 failed publishes",
        count.acknowledged,
        count.received,
        missing.len()
    ))
}
