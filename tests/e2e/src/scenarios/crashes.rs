//! What dies under load, and what must not be noticed.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Setup, exactly_once, perfect, settled};
use crate::ledger::Ledger;
use crate::load::Load;
use crate::local::{Broker as _, Stack};

/// Events per second.
const RATE: u32 = 200;
const EVENTS: usize = 400;
const DEADLINE: Duration = Duration::from_mins(1);

/// How often the worker is killed: a kill hits other events each time.
const KILLS: usize = 4;

/// Events that pile up in front of a worker that has stopped moving, before it or its sidecar is killed.
const IN_HAND: usize = 60;

pub(super) async fn worker(setup: Setup, broker: &str) -> Result<String> {
    let (mut stack, ledger, load) = under_load(&setup, broker).await?;
    for kill in 0..KILLS {
        // Now in full flight, now with as many events in hand as the sidecar gives out.
        if kill % 2 == 0 {
            stack.worker().service()?.process().suspend();
            load.acknowledge(IN_HAND, DEADLINE).await?;
        }
        stack.kill_worker().await?;
        stack.restart_worker().await?;
        load.acknowledge(EVENTS, DEADLINE).await?;
    }
    load.stop().await?;
    let count = settled(&stack, &ledger).await?;
    stack.shutdown().await?;
    perfect(&count, &ledger)
}

pub(super) async fn worker_sidecar(setup: Setup, broker: &str) -> Result<String> {
    let (mut stack, ledger, load) = under_load(&setup, broker).await?;
    stack.worker().service()?.process().suspend();
    load.acknowledge(IN_HAND, DEADLINE).await?;
    stack.kill_worker_sidecar().await?;
    stack.worker().service()?.process().resume();
    stack.restart_worker_sidecar().await?;
    load.acknowledge(EVENTS, DEADLINE).await?;
    load.stop().await?;
    let count = settled(&stack, &ledger).await?;
    stack.shutdown().await?;
    perfect(&count, &ledger)
}

pub(super) async fn api_sidecar(setup: Setup, broker: &str) -> Result<String> {
    let (mut stack, ledger, load) = under_load(&setup, broker).await?;
    stack.kill_api_sidecar().await?;
    load.fail(DEADLINE).await?;
    stack.restart_api_sidecar().await?;
    finish(stack, ledger, load).await
}

pub(super) async fn broker(setup: Setup, broker: &str) -> Result<String> {
    let (mut stack, ledger, load) = under_load(&setup, broker).await?;
    match broker {
        "kafka" => stack.server_mut(broker)?.restart().await?,
        // Harder than a restart: what is not on the disk is gone.
        "redis" => {
            stack.redis_mut().kill().await?;
            load.fail(DEADLINE).await?;
            stack.redis_mut().start().await?;
        }
        _ => {
            stack.server_mut(broker)?.kill().await?;
            load.fail(DEADLINE).await?;
            stack.server_mut(broker)?.start().await?;
        }
    }
    finish(stack, ledger, load).await
}

async fn under_load(setup: &Setup, broker: &str) -> Result<(Stack, Ledger, Load)> {
    let stack = setup.start(setup.with_broker(broker)).await?;
    let ledger = Ledger::default();
    let load = Load::start(stack.endpoints(), RATE, &ledger);
    load.acknowledge(EVENTS, DEADLINE).await?;
    Ok((stack, ledger, load))
}

/// For outages of what publishing needs: requests may fail, but only in the documented way.
async fn finish(stack: Stack, ledger: Ledger, load: Load) -> Result<String> {
    load.acknowledge(EVENTS, DEADLINE).await?;
    load.stop().await?;
    let count = settled(&stack, &ledger).await?;
    stack.shutdown().await?;
    for failure in ledger.failures() {
        ensure!(
            matches!(failure.status, Some(503 | 504)) && failure.retry_after,
            "a publish failed in another way than 503 or 504 with Retry-After: {failure:?}"
        );
    }
    exactly_once(&count)
}
