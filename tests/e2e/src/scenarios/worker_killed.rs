//! The worker is killed under load, again and again.
//!
//! With several events in hand, that shows a race in daprd 1.18.2 and 1.18.3. They put the handler of every delivery into one
//! place before it runs (`pkg/middleware/http/pipeline.go`, `http`). Of two that begin at the same moment, one may run the
//! other's, and leave its connection error there (`pkg/channel/http/http_channel.go`, `invokeMethodV1`). The first then looks
//! like a 200 without a body, and that counts as SUCCESS (`pkg/runtime/subscription/postman/http/http.go`, `Deliver`).

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::crashes::{DEADLINE, IN_HAND, events, under_load_with};
use super::{Setup, perfect, settled_but};
use crate::ledger::{Count, Ledger};
use crate::local::{Stack, merge};
use crate::worker_log::WorkerLog;

/// How often the worker is killed: a kill hits other events each time.
const KILLS: usize = 4;

/// Events that a sidecar gives out at the same time (`brokers.*.concurrency`).
const CONCURRENCY: usize = 10;

/// What the sidecar writes, at level debug, about an answer without a body. Every answer of the worker has one.
const UNREACHED: &str = "skipping status check due to empty response body";

/// What was counted, and what excuses a part of it.
struct Killed {
    count: Count,
    ledger: Ledger,
    /// Deliveries that did not reach the worker, and that the sidecar took for handled.
    unreached: usize,
    /// Effects that are not in the journal: the worker was killed between its two writes.
    unrecorded: u64,
}

/// One event at a time: nothing may be lost.
pub(super) async fn one_in_hand(setup: Setup, broker: &str) -> Result<String> {
    let one = json!({"dapr.io/app-max-concurrency": "1"});
    let values = json!({"services": {"task-worker": {"sidecar": {"annotations": one}}}});
    kill(&setup, broker, &values).await?.figures(0)
}

/// As by default.
pub(super) async fn several_in_hand(setup: Setup, broker: &str) -> Result<String> {
    let values = json!({"brokers": {broker: {"concurrency": CONCURRENCY}}});
    kill(&setup, broker, &values)
        .await?
        .figures(KILLS * CONCURRENCY)
}

async fn kill(setup: &Setup, broker: &str, values: &Value) -> Result<Killed> {
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
    let count = settled_but(&stack, &ledger, || unreached(&stack)).await?;
    let killed = Killed {
        count,
        ledger,
        unreached: unreached(&stack),
        unrecorded: unrecorded(&stack).await?,
    };
    stack.shutdown().await?;
    Ok(killed)
}

impl Killed {
    /// Fails if more is lost or doubled than is excused.
    fn figures(mut self, most_unreached: usize) -> Result<String> {
        let (unreached, unrecorded) = (self.unreached, self.unrecorded);
        let lost = std::mem::take(&mut self.count.lost);
        let doubled = std::mem::take(&mut self.count.duplicated_effects);
        let mut figures = perfect(&self.count, &self.ledger)?;
        if lost > 0 || unreached > most_unreached {
            let excuse = format!("{lost} lost of {unreached} that the sidecar took for handled");
            ensure!(
                lost <= unreached as u64 && unreached <= most_unreached,
                "{excuse}; else {figures}"
            );
            figures = format!("{excuse}; else {figures}");
        }
        if doubled > 0 {
            let excuse = format!("{doubled} doubled of {unrecorded} that the journal lacks");
            ensure!(
                doubled <= unrecorded && unrecorded <= KILLS as u64,
                "{excuse}; else {figures}"
            );
            figures = format!("{excuse}; else {figures}");
        }
        Ok(figures)
    }
}

fn unreached(stack: &Stack) -> usize {
    let log = fs::read_to_string(stack.worker().sidecar().process().log());
    log.map_or(0, |text| text.matches(UNREACHED).count())
}

async fn unrecorded(stack: &Stack) -> Result<u64> {
    let mut log = WorkerLog::new(&stack.worker_log());
    log.look().await?;
    let effects: u64 = log.effects().values().sum();
    let journal = fs::read_to_string(stack.worker_journal()).context("the worker's journal")?;
    Ok(effects.saturating_sub(journal.lines().count() as u64))
}
