//! Reads effects from the logs of workers: their lines are what users see, so they are what counts.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};
use uuid::Uuid;

use crate::lines::Lines;
use crate::wait::{LOOK_AGAIN, until};

/// What stands before the event's data in a line.
pub const MARK: &str = "EVENT RECEIVED: ";

/// With the timings of scenarios, a second effect would come by then: it is longer than the retry interval and the lease.
pub const QUIET: Duration = Duration::from_secs(5);

/// What stands before the task's id in that data, and in that of an order which follows from a task.
const TASK_ID: [&str; 2] = [r#""task_id":""#, r#""product":""#];

/// How many effects each task has had. Clones share what they have read.
#[derive(Debug, Clone)]
pub struct Effects(Arc<Mutex<(Lines, HashMap<Uuid, u64>)>>);

impl Effects {
    /// Those in a log, or in all logs of a folder.
    pub fn of(logs: &Path) -> Self {
        Self(Arc::new(Mutex::new((Lines::of(logs), HashMap::new()))))
    }

    /// Reads what has been written since the last look: the number of effects so far by task.
    pub async fn look(&self) -> Result<MappedMutexGuard<'_, HashMap<Uuid, u64>>> {
        let mut read = self.0.lock().await;
        let (lines, effects) = &mut *read;
        let count = |line: &str| {
            if let Some(task) = task(line) {
                *effects.entry(task).or_default() += 1;
            }
        };
        lines.look(count).await?;
        Ok(MutexGuard::map(read, |(_, effects)| effects))
    }

    /// Looks until `enough` is content with the effects.
    pub async fn wait(
        &self,
        what: &str,
        deadline: Duration,
        enough: impl Fn(&HashMap<Uuid, u64>) -> bool,
    ) -> Result<()> {
        until(what, deadline, async || {
            let effects = self.look().await?;
            Ok((!enough(&effects)).then(|| format!("{} tasks had an effect", effects.len())))
        })
        .await
    }

    /// Looks until each of these tasks has had its effect.
    pub async fn wait_for(&self, what: &str, deadline: Duration, tasks: &[Uuid]) -> Result<()> {
        until(what, deadline, async || {
            let effects = self.look().await?;
            let mut missing = tasks.iter().filter(|task| !effects.contains_key(*task));
            Ok(missing.next().map(|first| {
                let (more, all) = (missing.count() + 1, tasks.len());
                format!("{more} of {all} had no effect, such as {first}")
            }))
        })
        .await
    }

    /// Looks until no effect has come for `quiet`: the only sign there is that no second one is on its way.
    pub async fn settle(&self, quiet: Duration) -> Result<()> {
        let (mut last, mut sum) = (Instant::now(), 0);
        while last.elapsed() < quiet {
            let now = self.look().await?.values().sum::<u64>();
            if now != sum {
                (sum, last) = (now, Instant::now());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }
}

/// The task of a line that tells of an effect, in either log format.
fn task(line: &str) -> Option<Uuid> {
    let message = match serde_json::from_str::<Value>(line) {
        Ok(entry) => entry.get("message")?.as_str()?.to_owned(),
        Err(_) => line.to_owned(),
    };
    let (_, data) = message.split_once(MARK)?;
    // Not by a parser: of an event with much data, a line has only the beginning.
    let (_, id) = TASK_ID.iter().find_map(|it| data.split_once(it))?;
    id.split_once('"')?.0.parse().ok()
}
