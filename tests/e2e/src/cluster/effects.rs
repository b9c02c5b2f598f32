//! What subscribers did, read from the logs of all their pods.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use uuid::Uuid;

use super::followed::Followed;
use super::kubectl::Kubectl;
use crate::wait::until;
use crate::worker_log::WorkerLog;

/// The effects of one subscriber.
#[derive(Debug)]
pub struct Effects {
    followed: Followed,
    logs: BTreeMap<PathBuf, WorkerLog>,
}

impl Effects {
    /// Begins to follow the subscriber's pods.
    pub fn follow(kubectl: &Kubectl, subscriber: &str, folder: &Path) -> Result<Self> {
        let selector = format!("app={subscriber}");
        let folder = folder.join(subscriber);
        Ok(Self {
            followed: Followed::start(kubectl, &selector, subscriber, &folder)?,
            logs: BTreeMap::new(),
        })
    }

    /// The folder with the logs.
    pub fn folder(&self) -> &Path {
        self.followed.folder()
    }

    /// How many effects each task has had so far.
    pub async fn look(&mut self) -> Result<HashMap<Uuid, u64>> {
        let mut all = HashMap::new();
        for file in self.followed.files()? {
            let log = self.logs.entry(file.clone());
            let log = log.or_insert_with(|| WorkerLog::new(&file));
            log.look().await?;
            for (task, effects) in log.effects() {
                *all.entry(*task).or_default() += effects;
            }
        }
        Ok(all)
    }

    /// Looks until `missing` finds nothing missing any more.
    pub async fn wait(
        &mut self,
        what: &str,
        deadline: Duration,
        missing: impl Fn(&HashMap<Uuid, u64>) -> Option<String>,
    ) -> Result<()> {
        until(what, deadline, async || Ok(missing(&self.look().await?))).await
    }

    /// Looks until no effect has come for `quiet`: the only sign there is that no second one is on its way.
    pub async fn settle(&mut self, quiet: Duration) -> Result<HashMap<Uuid, u64>> {
        let sum = |effects: &HashMap<Uuid, u64>| effects.values().sum::<u64>();
        let (mut last, mut effects) = (Instant::now(), self.look().await?);
        while last.elapsed() < quiet {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let now = self.look().await?;
            if sum(&now) != sum(&effects) {
                last = Instant::now();
            }
            effects = now;
        }
        Ok(effects)
    }
}
