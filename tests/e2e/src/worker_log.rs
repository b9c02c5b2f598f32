//! Reads effects from the worker's log: its lines are what users see, so they are what counts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, AsyncSeekExt as _, BufReader};
use uuid::Uuid;

use crate::wait::{LOOK_AGAIN, until};

/// What stands before the event's data in a line.
pub const MARK: &str = "EVENT RECEIVED: ";

/// The effects in a worker's log, read on from where the last look ended.
#[derive(Debug)]
pub struct WorkerLog {
    path: PathBuf,
    offset: u64,
    effects: HashMap<Uuid, u64>,
    lines: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Data {
    task_id: Uuid,
}

impl WorkerLog {
    /// Reads the log at `path` from its beginning; the file may not be there yet.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            offset: 0,
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
        let mut file = match File::open(&self.path).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            file => file.with_context(|| self.path.display().to_string())?,
        };
        file.seek(std::io::SeekFrom::Start(self.offset)).await?;
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line).await?;
            if line.last() != Some(&b'\n') {
                return Ok(()); // The end, or a line that is still being written.
            }
            self.offset += read as u64;
            self.take(&String::from_utf8_lossy(&line));
        }
    }

    fn take(&mut self, line: &str) {
        let Some((_, data)) = line.split_once(MARK) else {
            return;
        };
        // A stream deserialiser stops at the end of the object, whatever follows it on the line.
        let mut data = serde_json::Deserializer::from_str(data).into_iter::<Data>();
        if let Some(Ok(data)) = data.next() {
            *self.effects.entry(data.task_id).or_default() += 1;
            self.lines.push(line.trim_end().to_owned());
        }
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
            let missing = || format!("{} effects in {}", self.effects.len(), self.path.display());
            Ok((!enough(&self.effects)).then(missing))
        })
        .await
    }

    /// Looks until nothing has come for `quiet`: the only sign there is that no second effect is on its way.
    pub async fn settle(&mut self, quiet: Duration) -> Result<()> {
        let mut last = Instant::now();
        let mut offset = self.offset;
        while last.elapsed() < quiet {
            self.look().await?;
            if self.offset != offset {
                (offset, last) = (self.offset, Instant::now());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }
}
