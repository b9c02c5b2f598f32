//! As fast as promised while the subscriber keeps up, slower while it does not.
//!
//! A machine that is too small for the rate proves nothing by it: its queue grows for as long as the load goes on, and whatever waits
//! for an event of its own, as a preflight does, waits behind all of them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use harness::effects::Effects;
use harness::kubectl::Kubectl;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Site;
use crate::load::{self, Answers};

const LOOK: Duration = Duration::from_secs(1);

/// Seconds' worth of events that the subscriber may be behind, and how many are left when it has caught up.
const BEHIND: u32 = 5;
const CAUGHT_UP: u32 = 1;

/// What is left of the rate in between.
const SLOWER: u32 = 3;

/// Slows one load down when it has to be.
#[derive(Debug)]
pub struct LoadThrottle {
    stop: CancellationToken,
    task: JoinSet<Result<Duration>>,
    rate: u32,
}

struct Throttling {
    kubectl: Kubectl,
    rate: u32,
    answers: Answers,
    effects: Effects,
}

impl LoadThrottle {
    /// For a load of `rate` events a second, and the effects of its subscriber.
    pub fn start(site: &Site, rate: u32, answers: &Answers, effects: &Effects) -> Self {
        let stop = CancellationToken::new();
        let throttling = Throttling {
            kubectl: site.kubectl.clone(),
            rate,
            answers: answers.clone(),
            effects: effects.clone(),
        };
        let mut task = JoinSet::new();
        task.spawn(throttling.run(stop.clone()));
        Self { stop, task, rate }
    }

    /// Ends it, before the load ends. Nothing, or what stands after the other figures.
    pub async fn stop(mut self) -> Result<String> {
        self.stop.cancel();
        let ended = self.task.join_next().await;
        let time = ended.context("nobody watches the load any more")???;
        if time.is_zero() {
            return Ok(String::new());
        }
        let (rate, seconds) = (self.rate / SLOWER, time.as_secs());
        let told = format!("; at {rate} events/s for {seconds} s, to be caught up with");
        Ok(told)
    }
}

impl Throttling {
    /// For how long the load was slower.
    async fn run(self, stop: CancellationToken) -> Result<Duration> {
        let mut slower = Duration::ZERO;
        let mut since: Option<Instant> = None;
        while !stop.is_cancelled() {
            let behind = self.behind().await?;
            match since {
                None if behind > u64::from(self.rate * BEHIND) => {
                    load::set_rate(&self.kubectl, self.rate / SLOWER).await?;
                    since = Some(Instant::now());
                }
                Some(then) if behind < u64::from(self.rate * CAUGHT_UP) => {
                    load::set_rate(&self.kubectl, self.rate).await?;
                    slower += then.elapsed();
                    since = None;
                }
                _ => {}
            }
            stop.run_until_cancelled(tokio::time::sleep(LOOK)).await;
        }
        Ok(slower + since.map_or(Duration::ZERO, |then| then.elapsed()))
    }

    /// Acknowledged events without an effect. Not more than an estimate: it does not look which ones.
    async fn behind(&self) -> Result<u64> {
        self.answers.look().await?;
        let acknowledged = self.answers.ledger().acknowledged_so_far() as u64;
        let effects: u64 = self.effects.look().await?.values().sum();
        Ok(acknowledged.saturating_sub(effects))
    }
}
