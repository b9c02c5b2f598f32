//! What dies under load, and what must not be noticed.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::worker_killed::but_unrecorded;
use super::{Setup, exactly_once, perfect, rate, settled, settled_but};
use crate::load::Load;
use crate::{Broker as _, Stack, StackOptions};
use harness::chart::merge;
use harness::ledger::{Count, Ledger};

/// Events per second, where the broker carries so many.
const RATE: u32 = 200;
pub(super) const DEADLINE: Duration = Duration::from_mins(1);

/// Load between two blows, in seconds.
const BETWEEN: u32 = 2;

/// From the start of one container to that of the other: longer than the first one's patience with a connection.
const APART: Duration = Duration::from_secs(3);

/// Events that pile up in front of a worker that has stopped moving, before it or its sidecar is killed.
pub(super) const IN_HAND: usize = 80;

pub(super) async fn worker_sidecar(setup: Setup, broker: &str) -> Result<String> {
    let mut options = setup.with_broker(broker);
    merge(&mut options.values, &soon_again());
    let (stack, ledger, load) = under_load_with(&setup, options).await?;
    stack.worker().service()?.process().suspend();
    load.acknowledge(IN_HAND, DEADLINE).await?;
    stack.kill_worker_sidecar().await?;
    stack.worker().service()?.process().resume();
    stack.restart_worker_sidecar().await?;
    load.acknowledge(events(broker), DEADLINE).await?;
    load.stop().await?;
    let count = settled(&stack, &ledger).await?;
    stack.shutdown().await?;
    perfect(&count, &ledger)
}

/// Both containers of the worker end, and one is back before the other.
pub(super) async fn restarts(setup: Setup, broker: &str) -> Result<String> {
    let mut options = setup.with_broker(broker);
    merge(&mut options.values, &soon_again());
    let (stack, ledger, load) = under_load_with(&setup, options).await?;
    let (worker, sidecar) = (stack.worker().service()?, stack.worker().sidecar());
    for sidecar_first in [true, false] {
        tokio::try_join!(worker.kill(), sidecar.kill())?;
        if sidecar_first {
            sidecar.restart().await?;
            sleep(APART).await;
            worker.restart().await?;
        } else {
            worker.restart().await?;
            sleep(APART).await;
            sidecar.restart().await?;
        }
        stack.worker_ready().await?;
        load.acknowledge(events(broker), DEADLINE).await?;
    }
    load.stop().await?;
    let count = settled(&stack, &ledger).await?;
    let figures = but_unrecorded(&stack, &ledger, count, 2).await?;
    stack.shutdown().await?;
    Ok(figures)
}

pub(super) async fn api_sidecar(setup: Setup, broker: &str) -> Result<String> {
    let (stack, ledger, load) = under_load(&setup, broker).await?;
    stack.kill_api_sidecar().await?;
    load.fail(DEADLINE).await?;
    stack.restart_api_sidecar().await?;
    let count = finish(&stack, &ledger, load, 0).await?;
    stack.shutdown().await?;
    exactly_once(&count)
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
    if broker != "rabbitmq" {
        let count = finish(&stack, &ledger, load, 0).await?;
        stack.shutdown().await?;
        return exactly_once(&count);
    }
    let mut count = finish(&stack, &ledger, load, UNCONFIRMED).await?;
    let sidecar = std::fs::read_to_string(stack.api().sidecar().process().log())?;
    stack.shutdown().await?;
    let unconfirmed = sidecar.matches(NOT_CONFIRMED).count();
    let lost = std::mem::take(&mut count.lost);
    let figures = exactly_once(&count)?;
    ensure!(
        lost <= UNCONFIRMED as u64 && lost <= unconfirmed as u64,
        "{lost} lost; the sidecar knows of {unconfirmed} that were not confirmed; else {figures}"
    );
    Ok(format!(
        "{lost} lost of {unconfirmed} that were not confirmed; else {figures}"
    ))
}

/// What RabbitMQ may lose when a connection breaks: the one event that the publishing sidecar has on its way. It writes
/// that this was not confirmed, and answers success all the same (components-contrib 1.18.3, pubsub/rabbitmq,
/// `publishSync`).
const UNCONFIRMED: usize = 1;
const NOT_CONFIRMED: &str = "did not receive confirmation of publishing";

async fn under_load(setup: &Setup, broker: &str) -> Result<(Stack, Ledger, Load)> {
    under_load_with(setup, setup.with_broker(broker)).await
}

pub(super) async fn under_load_with(
    setup: &Setup,
    options: StackOptions,
) -> Result<(Stack, Ledger, Load)> {
    let broker = options.broker.clone();
    let stack = setup.start(options).await?;
    let ledger = Ledger::default();
    let load = Load::start(stack.endpoints(), rate(&broker, RATE), &ledger);
    load.acknowledge(events(&broker), DEADLINE).await?;
    Ok((stack, ledger, load))
}

/// The events between two blows.
pub(super) fn events(broker: &str) -> usize {
    (rate(broker, RATE) * BETWEEN) as usize
}

/// Values with which brokers soon hand out again what a dead sidecar had in hand: only after all retries together, so there
/// are few. Where the time is computed it follows; on `JetStream` it is fixed.
fn soon_again() -> Value {
    json!({
        "delivery": {"retry": {"maxRetries": 8}},
        "brokers": {"jetstream": {"ackWait": "30s"}},
    })
}

/// For outages of what publishing needs: requests may fail, but only in the documented way.
pub(super) async fn finish(
    stack: &Stack,
    ledger: &Ledger,
    load: Load,
    lost: usize,
) -> Result<Count> {
    load.acknowledge(events(stack.broker()), DEADLINE).await?;
    load.stop().await?;
    for failure in ledger.failures() {
        ensure!(
            matches!(failure.status, Some(503 | 504)) && failure.retry_after,
            "a publish failed in another way than 503 or 504 with Retry-After: {failure:?}"
        );
    }
    settled_but(stack, ledger, || lost).await
}
