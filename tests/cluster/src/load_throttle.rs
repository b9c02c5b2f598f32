//! As fast as promised while the subscriber keeps up, slower while it does not.
//!
//! A machine that is too small for the rate proves nothing by it: its queue grows for as long as the load goes on, and whatever waits
//! for an event of its own, as a preflight does, waits behind all of them.

use std::time::{Duration, Instant};

use anyhow::Result;
use harness::{effects::Effects, kubectl::Kubectl};
use tokio_util::sync::CancellationToken;

use crate::load::{self, Answers};

const LOOK: Duration = Duration::from_secs(1);

/// Seconds' worth of events that the subscriber may be behind, and how many are left when it has caught up.
const BEHIND: u32 = 5;
const CAUGHT_UP: u32 = 1;

/// What is left of the rate in between.
const SLOWER: u32 = 3;

/// Slows a load of `rate` events a second down when its subscriber's effects fall behind. To be stopped before the load; nothing, or what
/// stands after the other figures.
pub(crate) async fn throttle(
    kubectl: Kubectl,
    rate: u32,
    answers: Answers,
    effects: Effects,
    stop: CancellationToken,
) -> Result<String> {
    let mut slower = Duration::ZERO;
    let mut since: Option<Instant> = None;
    while !stop.is_cancelled() {
        answers.look().await?;
        let acknowledged = answers.ledger.acknowledged_so_far() as u64;
        let acted: u64 = effects.look().await?.values().sum();
        // Not more than an estimate: it does not look which ones.
        let behind = acknowledged.saturating_sub(acted);
        match since {
            None if behind > u64::from(rate * BEHIND) => {
                load::set_rate(&kubectl, rate / SLOWER).await?;
                since = Some(Instant::now());
            }
            Some(then) if behind < u64::from(rate * CAUGHT_UP) => {
                load::set_rate(&kubectl, rate).await?;
                slower += then.elapsed();
                since = None;
            }
            _ => {}
        }
        stop.run_until_cancelled(tokio::time::sleep(LOOK)).await;
    }
    slower += since.map_or(Duration::ZERO, |then| then.elapsed());
    if slower.is_zero() {
        return Ok(String::new());
    }
    let (rate, seconds) = (rate / SLOWER, slower.as_secs());
    let told = format!("; at {rate} events/s for {seconds} s, to be caught up with");
    Ok(told)
}
