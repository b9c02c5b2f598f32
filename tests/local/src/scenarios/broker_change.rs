//! The change of broker under load.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;

use super::{SETTLE_DEADLINE, Setup, perfect, rate, settled};
use crate::Stack;
use crate::load::Load;
use harness::ledger::Ledger;
use harness::worker_log::WorkerLog;

/// Events per second.
const RATE: u32 = 500;
const EVENTS: usize = 1500;
const DEADLINE: Duration = Duration::from_mins(1);

pub(super) async fn there_and_back(setup: Setup, first: &str, second: &str) -> Result<String> {
    let mut stack = setup.start(setup.with_brokers(first, &[second])).await?;
    let ledger = Ledger::default();
    let rate = rate(first, rate(second, RATE));
    let load = Load::start(stack.endpoints(), rate, &ledger);
    load.acknowledge(EVENTS, DEADLINE).await?;
    for (old, new) in [(first, second), (second, first)] {
        let rollout = stack.change_broker(new, &[old, new]).await?;
        ensure!(
            rollout.rolled == ["task-api"],
            "only publishers roll, but {:?} did",
            rollout.rolled
        );
        load.acknowledge(EVENTS, DEADLINE).await?;
        drained(&stack, &ledger, old).await?;
        stack.change_broker(new, &[new]).await?;
        load.acknowledge(EVENTS / 3, DEADLINE).await?;
    }
    load.stop().await?;
    let count = settled(&stack, &ledger).await?;
    stack.shutdown().await?;
    perfect(&count, &ledger)
}

/// Waits until everything that `broker` has acknowledged has had its effect; only then may it be retired.
pub(crate) async fn drained(stack: &Stack, ledger: &Ledger, broker: &str) -> Result<()> {
    let mut log = WorkerLog::new(&stack.worker_log());
    let empty = |count: &harness::ledger::Count| count.lost == 0;
    log.wait(&format!("{broker} drained"), SETTLE_DEADLINE, |effects| {
        ledger.count(effects).get(broker).is_none_or(empty)
    })
    .await
}

pub(super) async fn to_a_dead_broker(setup: Setup) -> Result<String> {
    let mut options = setup.options();
    // The discard port of loopback: nobody listens there.
    harness::chart::merge(
        &mut options.values,
        &json!({"brokers": {"kafka": {"brokers": "127.0.0.1:9"}}}),
    );
    options.ready = Duration::from_secs(20);
    let mut stack = Stack::start(options).await?;
    let ledger = Ledger::default();
    let load = Load::start(stack.endpoints(), RATE, &ledger);
    load.acknowledge(EVENTS, DEADLINE).await?;

    let Err(refusal) = stack.change_broker("kafka", &["redis", "kafka"]).await else {
        anyhow::bail!("the publisher became ready although its broker is dead");
    };
    let message = format!("{refusal:#}");
    ensure!(
        message.contains("pubsub-kafka") && message.contains("broker does not answer"),
        "the message: {message}"
    );
    load.acknowledge(EVENTS, DEADLINE).await?;

    stack.change_broker("redis", &[]).await?;
    load.acknowledge(EVENTS, DEADLINE).await?;
    load.stop().await?;
    let count = settled(&stack, &ledger).await?;
    stack.shutdown().await?;
    perfect(&count, &ledger)
}
