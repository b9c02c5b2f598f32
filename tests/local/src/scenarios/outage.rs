//! A long outage of what the worker needs: back-pressure, not dead letters.

use std::time::Duration;

use anyhow::Result;

use super::{Setup, nothing_dead, perfect, settled};
use crate::Broker as _;
use crate::load::Load;
use harness::ledger::Ledger;

/// Events per second.
const RATE: u32 = 50;
const BEFORE: usize = 100;
const DEADLINE: Duration = Duration::from_mins(1);

/// Longer than a failing handler is given with the short timings of scenarios: ten seconds.
const SHORT: u32 = 20;
const LONG: u32 = 300;

pub(super) async fn state_store(setup: Setup, broker: &str) -> Result<String> {
    away_for(setup, broker, SHORT).await
}

pub(super) async fn state_store_for_long(setup: Setup, broker: &str) -> Result<String> {
    away_for(setup, broker, LONG).await
}

async fn away_for(setup: Setup, broker: &str, seconds: u32) -> Result<String> {
    let mut stack = setup.start(setup.with_broker(broker)).await?;
    let ledger = Ledger::default();
    let load = Load::start(stack.endpoints(), RATE, &ledger);
    load.acknowledge(BEFORE, DEADLINE).await?;
    stack.redis_mut().kill().await?;
    let events = (RATE * seconds) as usize;
    let limit = DEADLINE + Duration::from_secs(seconds.into());
    load.acknowledge(events, limit).await?;
    stack.redis_mut().start().await?;
    load.acknowledge(BEFORE, DEADLINE).await?;
    load.stop().await?;
    let count = settled(&stack, &ledger).await?;
    nothing_dead(&stack).await?;
    stack.shutdown().await?;
    perfect(&count, &ledger)
}
