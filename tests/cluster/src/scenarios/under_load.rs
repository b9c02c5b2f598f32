//! A site at work: tasks at a steady rate from inside the cluster, and the effects of its worker.

use std::time::{Duration, Instant};

use anyhow::Result;
use harness::{Count, Ledger, QUIET};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Load, PodLogs, Site};

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
        let this = Self {
            load,
            logs,
            events: (rate * SECONDS) as usize,
        };
        this.go_on().await?;
        Ok(this)
    }

    /// Lets some seconds pass in which events are acknowledged.
    pub(super) async fn go_on(&self) -> Result<()> {
        self.load.acknowledge(self.events, ACKNOWLEDGED).await
    }

    pub(super) async fn acknowledged(&self) -> Result<Vec<Uuid>> {
        self.load.acknowledged().await
    }

    /// Waits until everything acknowledged up to now has had its effect: the brokers are drained of it. How long that took.
    pub(super) async fn drained(&self) -> Result<Duration> {
        let began = Instant::now();
        let due = self.acknowledged().await?;
        self.logs.effects.wait_for("drained", SETTLED, &due).await?;
        Ok(began.elapsed())
    }

    /// Ends the load. What became of everything that was acknowledged, and what that was.
    pub(super) async fn ended(self) -> Result<(Count, Ledger)> {
        let (ledger, worker) = (self.load.stop().await?, &self.logs.effects);
        let tasks = ledger.acknowledged_tasks();
        // What is still missing then is lost, and counted as that.
        let all = worker.wait_for("every acknowledged event", SETTLED, &tasks);
        let _ = all.await;
        worker.settle(QUIET).await?;
        let count = ledger.total(&*worker.look().await?);
        Ok((count, ledger))
    }

    /// Ends the load; fails unless nothing was lost, nothing doubled and nothing refused. Each of some kills may have doubled an effect:
    /// between the worker's two writes, line and journal. Returns the figures, and what they were counted from.
    pub(super) async fn stop_but(self, kills: u64) -> Result<(String, Ledger)> {
        let (count, ledger) = self.ended().await?;
        Ok((perfect_but(kills, count, &ledger)?, ledger))
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
