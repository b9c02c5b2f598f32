//! A site at work: tasks at a steady rate from inside the cluster, and the effects of its worker.

use std::time::{Duration, Instant};

use anyhow::Result;
use harness::{Count, Effects, Kubectl, Ledger, QUIET};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::load::{Answers, set_rate};
use crate::{Load, PodLogs, Site};
use local_stack::Background;

/// Seconds' worth of events that are let through between two changes.
const SECONDS: u32 = 4;

/// For so many acknowledgements: the rate, with room for a busy machine.
const ACKNOWLEDGED: Duration = Duration::from_mins(1);

/// Longer than anything is redelivered with a site's timings: on Redis 46 s after its sidecar has gone.
pub(super) const SETTLED: Duration = Duration::from_secs(150);

/// The services' values for that rate on every broker. RabbitMQ's component waits for the confirm of each event before it sends the next
/// one, some milliseconds: one sidecar alone would be near its limit.
pub(super) fn two_publishers() -> Value {
    json!({"task-api": {"replicas": 2}})
}

pub(super) struct UnderLoad {
    load: Load,
    logs: PodLogs,
    throttle: Background<String>,
    /// What is let through between two changes.
    events: usize,
}

impl UnderLoad {
    pub(super) async fn start(site: &Site) -> Result<Self> {
        Self::start_at(site, site.setup.rate).await
    }

    /// With so many tasks a second.
    pub(super) async fn start_at(site: &Site, rate: u32) -> Result<Self> {
        let logs = PodLogs::start(&site.kubectl, "task-worker", &site.folder)?;
        let load = Load::start(site, rate).await?;
        let (kubectl, answers) = (site.kubectl.clone(), load.answers.clone());
        let effects = logs.effects.clone();
        let throttle = Background::start(|stop| throttle(kubectl, rate, answers, effects, stop));
        let this = Self {
            load,
            logs,
            throttle,
            events: (rate * SECONDS) as usize,
        };
        this.go_on().await?;
        Ok(this)
    }

    /// Lets some seconds pass in which events are acknowledged.
    pub(super) async fn go_on(&self) -> Result<()> {
        let answers = &self.load.answers;
        answers.acknowledge(self.events, ACKNOWLEDGED).await
    }

    pub(super) async fn acknowledged(&self) -> Result<Vec<Uuid>> {
        self.load.answers.look().await?;
        Ok(self.load.answers.ledger.acknowledged_tasks())
    }

    /// Waits until everything acknowledged up to now has had its effect: the brokers are drained of it. How long that took.
    pub(super) async fn drained(&self) -> Result<Duration> {
        let began = Instant::now();
        let due = self.acknowledged().await?;
        self.logs.effects.wait_for("drained", SETTLED, &due).await?;
        Ok(began.elapsed())
    }

    /// Ends the load. What became of everything that was acknowledged, what that was, and what is to be said of the rate.
    pub(super) async fn ended(self) -> Result<(Count, Ledger, String)> {
        let throttled = self.throttle.stop().await?;
        let (ledger, worker) = (self.load.stop().await?, &self.logs.effects);
        let tasks = ledger.acknowledged_tasks();
        // What is still missing then is lost, and counted as that.
        let all = worker.wait_for("every acknowledged event", SETTLED, &tasks);
        let _ = all.await;
        worker.settle(QUIET).await?;
        let count = ledger.total(&*worker.look().await?);
        Ok((count, ledger, throttled))
    }

    /// Ends the load; fails unless nothing was lost, nothing doubled and nothing refused. Each of some kills may have doubled an effect:
    /// between the worker's two writes, line and journal. Returns the figures, and what they were counted from.
    pub(super) async fn stop_but(self, kills: u64) -> Result<(String, Ledger)> {
        let (count, ledger, throttled) = self.ended().await?;
        let figures = perfect_but(kills, count, &ledger)?;
        Ok((figures + &throttled, ledger))
    }

    /// The same without a kill, for those who need the figures only.
    pub(super) async fn perfect(self) -> Result<String> {
        let (figures, _) = self.stop_but(0).await?;
        Ok(figures)
    }
}

/// The figures of a subscriber; an error unless they are perfect, but for what some kills may have doubled.
pub(super) fn perfect_but(kills: u64, mut count: Count, ledger: &Ledger) -> Result<String> {
    let doubled = count.duplicated_effects.min(kills);
    count.duplicated_effects -= doubled;
    let figures = ledger.perfect(&count)?;
    Ok(match doubled {
        0 => figures,
        _ => format!("{doubled} doubled by {kills} kills; else {figures}"),
    })
}

/// Between two looks at whether the subscriber keeps up.
const LOOK: Duration = Duration::from_secs(1);

/// Seconds' worth of events that the subscriber may be behind, and how many are left when it has caught up.
const BEHIND: u32 = 5;
const CAUGHT_UP: u32 = 1;

/// What is left of the rate in between.
const SLOWER: u32 = 3;

/// Slows a load of `rate` events a second down when its subscriber's effects fall behind. To be stopped before the load; nothing, or what
/// stands after the other figures.
///
/// A machine that is too small for the rate proves nothing by it: its queue grows for as long as the load goes on, and whatever waits
/// for an event of its own, as a preflight does, waits behind all of them.
async fn throttle(
    kubectl: Kubectl,
    rate: u32,
    answers: Answers,
    effects: Effects,
    stop: CancellationToken,
) -> Result<String> {
    let (mut slower, mut is_slow) = (Duration::ZERO, false);
    while !stop.is_cancelled() {
        let looked = Instant::now();
        answers.look().await?;
        let acknowledged = answers.ledger.acknowledged_so_far() as u64;
        let acted: u64 = effects.look().await?.values().sum();
        // Not more than an estimate: it does not look which ones.
        let behind = acknowledged.saturating_sub(acted);
        let most = rate * if is_slow { CAUGHT_UP } else { BEHIND };
        if is_slow != (behind > most.into()) {
            is_slow = !is_slow;
            let rate = if is_slow { rate / SLOWER } else { rate };
            set_rate(&kubectl, rate).await?;
        }
        stop.run_until_cancelled(tokio::time::sleep(LOOK)).await;
        slower += looked.elapsed() * u32::from(is_slow);
    }
    if slower.is_zero() {
        return Ok(String::new());
    }
    let (rate, seconds) = (rate / SLOWER, slower.as_secs());
    let told = format!("; at {rate} events/s for {seconds} s, to be caught up with");
    Ok(told)
}
