//! The worker is killed under load, again and again, in full flight and with its hands full.
//!
//! By HTTP it has one event in hand. With several, a race in daprd 1.18 takes deliveries for handled that no app has answered:
//! `docs/UPSTREAM.md` has the place.

use std::fs;
use std::thread::available_parallelism;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::crashes::{DEADLINE, IN_HAND, events, under_load_with};
use super::{Setup, perfect, settled};
use crate::Stack;
use harness::chart::merge;
use harness::ledger::{Count, Ledger};
use harness::worker_log::WorkerLog;

/// How often the worker is killed: a kill hits other events each time.
const KILLS: usize = 4;

/// Events that a sidecar gives out at the same time, where the broker's component has a bound for it. `JetStream` gives out one, and
/// Kafka one of each partition.
const CONCURRENCY: usize = 64;

pub(super) async fn by_grpc(setup: Setup, broker: &str) -> Result<String> {
    let values = match broker {
        "kafka" | "jetstream" => json!({}),
        _ => json!({"brokers": {broker: {"concurrency": CONCURRENCY}}}),
    };
    kill(&setup, broker, &values).await
}

/// One event at a time.
pub(super) async fn one_by_http(setup: Setup, broker: &str) -> Result<String> {
    let one = json!({"dapr.io/app-max-concurrency": "1"});
    let values = json!({
        "delivery": {"protocol": "http"},
        "brokers": {broker: {"concurrency": 1}},
        "services": {"task-worker": {"sidecar": {"annotations": one}}},
    });
    kill(&setup, broker, &values).await
}

async fn kill(setup: &Setup, broker: &str, values: &Value) -> Result<String> {
    let mut options = setup.with_broker(broker);
    // Writing more, the sidecar is slower, and its race is lost more often.
    let debug = json!({"dapr.io/log-level": "debug"});
    merge(
        &mut options.values,
        &json!({"services": {"task-worker": {"sidecar": {"annotations": debug}}}}),
    );
    merge(&mut options.values, values);
    let (stack, ledger, load) = under_load_with(setup, options).await?;
    let events = events(broker);
    for kill in 0..KILLS {
        // Now in full flight, now with as many events in hand as the sidecar gives out.
        if kill % 2 == 0 {
            stack.worker().service()?.process().suspend();
            load.acknowledge(IN_HAND, DEADLINE).await?;
        }
        stack.kill_worker().await?;
        stack.restart_worker().await?;
        load.acknowledge(events, DEADLINE).await?;
    }
    load.stop().await?;
    let count = settled(&stack, &ledger).await?;
    let figures = but_unrecorded(&stack, &ledger, count, KILLS).await?;
    stack.shutdown().await?;
    Ok(figures)
}

/// Fails unless all is perfect but for effects that are not in the journal: the worker was killed between its two writes. It awaits
/// nothing between them, so one of each thread can be there when it is killed.
pub(super) async fn but_unrecorded(
    stack: &Stack,
    ledger: &Ledger,
    mut count: Count,
    kills: usize,
) -> Result<String> {
    if count.duplicated_effects == 0 {
        return perfect(&count, ledger);
    }
    let (doubled, unrecorded) = (count.duplicated_effects, unrecorded(stack).await?);
    count.duplicated_effects = 0;
    let figures = perfect(&count, ledger)?;
    let told = format!("{doubled} doubled of {unrecorded} that the journal lacks; else {figures}");
    let most = (kills * available_parallelism()?.get()) as u64;
    ensure!(doubled <= unrecorded && doubled <= most, "{told}");
    Ok(told)
}

async fn unrecorded(stack: &Stack) -> Result<u64> {
    let mut log = WorkerLog::new(&stack.worker_log());
    log.look().await?;
    let effects: u64 = log.effects().values().sum();
    let journal = stack.worker_journal();
    // The generation before the one that is written, if there is one. Older ones are forgotten: after a long run this is too much.
    let older = fs::read_to_string(journal.with_added_extension("1")).unwrap_or_default();
    let journal = fs::read_to_string(journal).context("the worker's journal")?;
    let recorded = older.lines().chain(journal.lines()).count();
    Ok(effects.saturating_sub(recorded as u64))
}
