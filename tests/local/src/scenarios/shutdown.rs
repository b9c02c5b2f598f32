//! SIGTERM under load.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Setup, perfect, settled};
use crate::load::Load;
use crate::{PodEnd, Stack};
use harness::ledger::Ledger;

/// Events per second.
const RATE: u32 = 500;
const EVENTS: usize = 1000;
const DEADLINE: Duration = Duration::from_mins(1);

pub(super) async fn rolling_update(setup: Setup, broker: &str) -> Result<String> {
    let mut stack = Stack::start(setup.with_broker(broker)).await?;
    let ledger = Ledger::default();
    let load = Load::start(stack.endpoints(), RATE, &ledger);
    load.acknowledge(EVENTS, DEADLINE).await?;
    let api = stack.roll_api("restart").await?;
    load.acknowledge(EVENTS, DEADLINE).await?;
    let worker = stack.roll_worker().await?;
    load.acknowledge(EVENTS, DEADLINE).await?;
    load.stop().await?;
    let count = settled(&stack, &ledger).await?;
    stack.shutdown().await?;
    let ends = format!(
        "task-api ended in {}, task-worker in {}",
        clean(&api)?,
        clean(&worker)?
    );
    Ok(format!("{}; {ends}", perfect(&count, &ledger)?))
}

fn clean(end: &PodEnd) -> Result<String> {
    let service = end.service.is_none_or(|service| service.is_clean());
    ensure!(
        service && !end.sidecar.forced,
        "not within the grace period: {end:?}"
    );
    let service = end.service.map_or(Duration::ZERO, |service| service.after);
    Ok(format!(
        "{:.1} s and its sidecar in {:.1} s",
        service.as_secs_f32(),
        end.sidecar.after.as_secs_f32()
    ))
}
