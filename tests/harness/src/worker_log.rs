//! Reads effects from the worker's log: its lines are what users see, so they are what counts.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;
use uuid::Uuid;

use crate::tail::Tail;
use crate::wait::{LOOK_AGAIN, until};

/// What stands before the event's data in a line.
pub const MARK: &str = "EVENT RECEIVED: ";

/// What stands before the task's id in that data.
const TASK_ID: &str = r#""task_id":""#;

/// The effects in a worker's log, read on from where the last look ended.
#[derive(Debug)]
pub struct WorkerLog {
    tail: Tail,
    effects: HashMap<Uuid, u64>,
    lines: Vec<String>,
}

impl WorkerLog {
    /// Reads the log at `path` from its beginning; the file may not be there yet.
    pub fn new(path: &Path) -> Self {
        Self {
            tail: Tail::new(path),
            effects: HashMap::new(),
            lines: Vec::new(),
        }
    }

    /// How many effects each task has had so far.
    pub fn effects(&self) -> &HashMap<Uuid, u64> {
        &self.effects
    }

    /// The lines with effects since they were last taken.
    pub fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// Reads what has been written since the last look.
    pub async fn look(&mut self) -> Result<()> {
        let Self {
            tail,
            effects,
            lines,
        } = self;
        tail.look(|line| {
            if let Some(task) = effect(line) {
                *effects.entry(task).or_default() += 1;
                lines.push(line.trim_end().to_owned());
            }
        })
        .await
    }

    /// Looks until `enough` is content with the effects.
    ///
    /// # Errors
    /// `what` was not reached by the deadline.
    pub async fn wait(
        &mut self,
        what: &str,
        deadline: Duration,
        enough: impl Fn(&HashMap<Uuid, u64>) -> bool,
    ) -> Result<()> {
        until(what, deadline, async || {
            self.look().await?;
            let missing = || {
                format!(
                    "{} effects in {}",
                    self.effects.len(),
                    self.tail.path().display()
                )
            };
            Ok((!enough(&self.effects)).then(missing))
        })
        .await
    }

    /// Looks until nothing has come for `quiet`: the only sign there is that no second effect is on its way.
    pub async fn settle(&mut self, quiet: Duration) -> Result<()> {
        let mut last = Instant::now();
        let mut offset = self.tail.offset();
        while last.elapsed() < quiet {
            self.look().await?;
            if self.tail.offset() != offset {
                (offset, last) = (self.tail.offset(), Instant::now());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }
}

/// The task of a line that tells of an effect, in either log format.
pub fn effect(line: &str) -> Option<Uuid> {
    let message = match serde_json::from_str::<Value>(line) {
        Ok(entry) => entry.get("message")?.as_str()?.to_owned(),
        Err(_) => line.to_owned(),
    };
    let (_, data) = message.split_once(MARK)?;
    // Not by a parser: of an event with much data, a line has only the beginning.
    let (_, id) = data.split_once(TASK_ID)?;
    id.split_once('"')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_are_read() {
        let id = "a383f0b2-1104-5859-85d3-d05b74e1493e";
        let text = format!(
            "2026 INFO EVENT RECEIVED: {{\"task_id\":\"{id}\",\"title\":\"t\"}} trace_id=1\n"
        );
        let json =
            format!("{{\"message\":\"EVENT RECEIVED: {{\\\"task_id\\\":\\\"{id}\\\"}}\"}}\n");
        let cut = format!("EVENT RECEIVED: {{\"task_id\":\"{id}\",\"title\":\"xx");
        for line in [text, json, cut] {
            assert_eq!(effect(&line).unwrap().to_string(), id, "{line}");
        }
        assert_eq!(effect("EVENT RECEIVED: nothing"), None);
    }
}
