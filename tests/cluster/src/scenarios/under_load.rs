//! A site at work: tasks at a steady rate from inside the cluster, and the effects of its worker.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Setup;
use crate::{Effects, Load, LoadThrottle, Site};
use harness::ledger::{Count, Ledger};

/// Tasks a second, on a machine that keeps up.
const RATE: u32 = 300;

/// What is let through between two changes: some seconds' worth.
pub(super) const EVENTS: usize = 1200;

/// For so many acknowledgements: the rate, with room for a busy machine.
const ACKNOWLEDGED: Duration = Duration::from_mins(1);

/// Longer than anything is redelivered with a site's timings: on Redis 46 s after its sidecar has gone.
const SETTLED: Duration = Duration::from_secs(150);

/// A second effect would come by then: longer than the retry interval and the lease.
pub(super) const QUIET: Duration = Duration::from_secs(5);

/// Values for that rate on every broker. RabbitMQ's component waits for the confirm of each event before it sends the next one, some
/// milliseconds: one sidecar alone would be near its limit.
pub(super) fn two_publishers() -> Value {
    json!({"services": {"task-api": {"replicas": 2}}})
}

/// Load and effects of one site.
pub(super) struct UnderLoad {
    pub(super) load: Load,
    worker: Effects,
    throttle: LoadThrottle,
}

impl UnderLoad {
    /// Starts, and waits until events flow.
    pub(super) async fn start(site: &Site, setup: &Setup) -> Result<Self> {
        let worker = Effects::follow(&site.kubectl, "task-worker", &site.folder)?;
        let load = Load::start(&site.kubectl, &setup.images, RATE, &site.folder).await?;
        let throttle = LoadThrottle::start(&site.kubectl, RATE, load.folder(), worker.folder());
        let mut this = Self {
            load,
            worker,
            throttle,
        };
        this.go_on().await?;
        Ok(this)
    }

    /// Lets some seconds pass in which events are acknowledged.
    pub(super) async fn go_on(&mut self) -> Result<()> {
        self.load.acknowledge(EVENTS, ACKNOWLEDGED).await
    }

    /// Waits until everything acknowledged up to now has had its effect: the brokers are drained of it.
    pub(super) async fn drained(&mut self) -> Result<()> {
        self.load.look().await?;
        let due = self.load.ledger().acknowledged_tasks();
        let missing = |effects: &HashMap<Uuid, u64>| {
            let missing = due
                .iter()
                .filter(|task| !effects.contains_key(*task))
                .count();
            (missing > 0).then(|| {
                format!(
                    "{missing} of {} acknowledged events have no effect",
                    due.len()
                )
            })
        };
        self.worker.wait("drained", SETTLED, missing).await
    }

    /// Ends the load and counts; fails unless nothing was lost, nothing doubled and nothing refused. Returns the figures, and what they
    /// were counted from.
    pub(super) async fn stop(self) -> Result<(String, Ledger)> {
        self.stop_but(0).await
    }

    async fn stop_but(self, kills: u64) -> Result<(String, Ledger)> {
        let Self {
            load,
            mut worker,
            throttle,
        } = self;
        let throttled = throttle.stop().await?;
        let ledger = load.stop().await?;
        let mut count = count(&ledger, &mut worker).await?;
        let doubled = count.duplicated_effects.min(kills);
        count.duplicated_effects -= doubled;
        let mut figures = format!("{count}{throttled}");
        if doubled > 0 {
            figures = format!("{doubled} doubled by {kills} kills; else {figures}");
        }
        ensure!(
            count.acknowledged > 0 && count.is_perfect(),
            "{figures}; the first failure: {:?}",
            ledger.failures().first()
        );
        Ok((figures, ledger))
    }

    /// The same, for those who need the figures only.
    pub(super) async fn perfect(self) -> Result<String> {
        self.perfect_but(0).await
    }

    /// The same where each of some kills may have doubled an effect: between the worker's two writes, line and journal.
    pub(super) async fn perfect_but(self, kills: u64) -> Result<String> {
        let (figures, _) = self.stop_but(kills).await?;
        Ok(figures)
    }
}

/// What became of everything that was acknowledged.
async fn count(ledger: &Ledger, worker: &mut Effects) -> Result<Count> {
    let missing = |effects: &HashMap<Uuid, u64>| {
        let missing = ledger.missing(effects);
        (!missing.is_empty())
            .then(|| format!("{} are missing, such as {}", missing.len(), missing[0]))
    };
    // What is still missing then is lost, and counted as that.
    let _ = worker
        .wait("every acknowledged event", SETTLED, missing)
        .await;
    Ok(ledger.total(worker.settle(QUIET).await?))
}
