//! What subscribers did, read from the logs of all their pods.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use uuid::Uuid;

use super::pod_logs::{Lines, PodLogs};
use harness::kubectl::Kubectl;
use harness::wait::until;
use harness::worker_log::effect;

/// The effects of one subscriber.
#[derive(Debug)]
pub struct Effects {
    _logs: PodLogs,
    lines: Lines,
    so_far: HashMap<Uuid, u64>,
}

impl Effects {
    /// Begins to follow the subscriber's pods.
    pub fn follow(kubectl: &Kubectl, subscriber: &str, folder: &Path) -> Result<Self> {
        let selector = format!("app={subscriber}");
        let folder = folder.join(subscriber);
        Ok(Self {
            _logs: PodLogs::start(kubectl, &selector, subscriber, &folder)?,
            lines: Lines::of(&folder),
            so_far: HashMap::new(),
        })
    }

    /// The folder with the logs.
    pub fn folder(&self) -> &Path {
        self.lines.folder()
    }

    /// How many effects each task has had so far.
    pub async fn look(&mut self) -> Result<&HashMap<Uuid, u64>> {
        let Self { lines, so_far, .. } = self;
        let count = |line: &str| {
            if let Some(task) = effect(line) {
                *so_far.entry(task).or_default() += 1;
            }
        };
        lines.look(count).await?;
        Ok(so_far)
    }

    /// Looks until `missing` finds nothing missing any more.
    pub async fn wait(
        &mut self,
        what: &str,
        deadline: Duration,
        missing: impl Fn(&HashMap<Uuid, u64>) -> Option<String>,
    ) -> Result<()> {
        until(what, deadline, async || Ok(missing(self.look().await?))).await
    }

    /// Looks until no effect has come for `quiet`: the only sign there is that no second one is on its way.
    pub async fn settle(&mut self, quiet: Duration) -> Result<&HashMap<Uuid, u64>> {
        let mut last = Instant::now();
        let mut sum = 0;
        while last.elapsed() < quiet {
            let now = self.look().await?.values().sum::<u64>();
            if now != sum {
                (sum, last) = (now, Instant::now());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.look().await
    }
}
