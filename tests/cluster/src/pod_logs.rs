//! The logs of pods that come and go: every line of every run of a container, once.
//!
//! A pod's log is gone with the pod, so it is followed from the moment the pod is seen. A stream that ends while its container still
//! runs broke off, and is begun again from the container's first line, in a further file. The API server may still call a container
//! running that has just ended, and the second stream then brings the lines of the next run. So a line is known by its timestamp and its
//! text, and counts once, whichever streams brought it.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use harness::kubectl::Kubectl;
use harness::process::Process;
use harness::tail::Tail;

/// Between two looks, when there is a reason for one. A pod that lived for less could go unseen; none of ours does, the shutdown
/// delay alone is longer.
const LOOK: Duration = Duration::from_millis(500);

/// How long a log stream may go on after its container has ended.
const LAST_LINES: Duration = Duration::from_secs(30);

/// Follows one container of all pods with a label, until it is stopped.
#[derive(Debug)]
pub struct PodLogs {
    stop: CancellationToken,
    task: JoinSet<Result<()>>,
    folder: PathBuf,
}

struct LogFollower {
    kubectl: Kubectl,
    selector: String,
    container: String,
    folder: PathBuf,
    streams: BTreeMap<Run, Stream>,
    changes: Option<PodWatch>,
}

/// A run of a container: the pod, and how often the container had been restarted.
type Run = (String, u64);

struct Stream {
    process: Process,
    tries: usize,
    /// Its run has ended, and it ended after that.
    over: bool,
}

/// `kubectl get --watch`: its output grows whenever something happens to one of the pods.
///
/// Asking instead, twice a second, is a process each time, and 0.17 s of a processor that the scenario needs for its load.
struct PodWatch {
    watch: Process,
    read: u64,
}

impl PodLogs {
    /// Begins to follow `container` of the pods that `selector` selects; files go to `folder`.
    pub fn start(
        kubectl: &Kubectl,
        selector: &str,
        container: &str,
        folder: &Path,
    ) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let stop = CancellationToken::new();
        let follower = LogFollower {
            kubectl: kubectl.clone(),
            selector: selector.to_owned(),
            container: container.to_owned(),
            folder: folder.to_owned(),
            streams: BTreeMap::new(),
            changes: None,
        };
        let mut task = JoinSet::new();
        task.spawn(follower.run(stop.clone()));
        Ok(Self {
            stop,
            task,
            folder: folder.to_owned(),
        })
    }

    /// Where the files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits for the last lines of containers that have ended, and stops.
    pub async fn stop(mut self) -> Result<()> {
        self.stop.cancel();
        let ended = self.task.join_next().await;
        ended.context("nobody follows any more")??
    }
}

/// The lines of all files of a folder, read on from where the last look ended.
#[derive(Debug)]
pub(super) struct Lines {
    folder: PathBuf,
    files: BTreeMap<PathBuf, Tail>,
    seen: HashSet<u64>,
    hash: RandomState,
}

impl Lines {
    pub(super) fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            files: BTreeMap::new(),
            seen: HashSet::new(),
            hash: RandomState::new(),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Hands over the lines that were not there at the last look, without their timestamps.
    pub(super) async fn look(&mut self, mut line: impl FnMut(&str)) -> Result<()> {
        for file in fs::read_dir(&self.folder)? {
            let file = file?.path();
            if file.extension().is_some_and(|it| it == "log") {
                let tail = self.files.entry(file);
                tail.or_insert_with_key(|file| Tail::new(file));
            }
        }
        for tail in self.files.values_mut() {
            tail.look(|text| {
                if self.seen.insert(self.hash.hash_one(text)) {
                    line(text.split_once(' ').map_or(text, |(_, text)| text));
                }
            })
            .await?;
        }
        Ok(())
    }
}

impl LogFollower {
    async fn run(mut self, stop: CancellationToken) -> Result<()> {
        while !stop.is_cancelled() {
            if self.is_due().await? {
                self.look().await?;
            }
            stop.run_until_cancelled(tokio::time::sleep(LOOK)).await;
        }
        let running = self.look().await?;
        for ((pod, restarts), Stream { process, .. }) in &self.streams {
            if running.iter().any(|(runs, _)| runs == pod) {
                process.terminate(LAST_LINES).await?;
            } else {
                tokio::time::timeout(LAST_LINES, process.wait())
                    .await
                    .with_context(|| format!("the log of {pod}-{restarts} does not end"))??;
            }
        }
        Ok(())
    }

    /// Whether something has happened to a pod or to a stream since the last look.
    async fn is_due(&mut self) -> Result<bool> {
        let file = self.folder.join("pods.watch");
        let Some(changes) = self
            .changes
            .as_mut()
            .filter(|it| it.watch.ended().is_none())
        else {
            let args = [
                "get",
                "pods",
                "--selector",
                &self.selector,
                "--watch",
                "--output=name",
            ];
            let watch = self.kubectl.start("pods", &args, &file).await?;
            // Where an earlier one has ended, what happened in between is seen by looking.
            self.changes = Some(PodWatch { watch, read: 0 });
            return Ok(true);
        };
        let written = fs::metadata(&file)?.len();
        let something = written != changes.read;
        changes.read = written;
        let mut streams = self.streams.values();
        Ok(something || streams.any(|it| !it.over && it.process.ended().is_some()))
    }

    /// Follows what is new and what broke off. Returns the runs that have not ended.
    async fn look(&mut self) -> Result<Vec<Run>> {
        let pods = self
            .kubectl
            .list(&["pods", "--selector", &self.selector])
            .await?;
        let mut running = Vec::new();
        for pod in &pods {
            let Some((run, runs)) = state(pod, &self.container) else {
                continue;
            };
            if runs {
                running.push(run.clone());
            }
            let tries = match self.streams.get(&run) {
                None => 0,
                Some(stream) if runs && stream.process.ended().is_some() => stream.tries,
                Some(_) => continue,
            };
            let stream = self.follow(&run, tries + 1).await?;
            self.streams.insert(run, stream);
        }
        for (run, stream) in &mut self.streams {
            stream.over = stream.process.ended().is_some() && !running.contains(run);
        }
        Ok(running)
    }

    async fn follow(&self, (pod, restarts): &Run, tries: usize) -> Result<Stream> {
        let name = format!("{pod}-{restarts}.{tries}");
        let file = self.folder.join(format!("{name}.log"));
        let container = ["--container", &self.container];
        let args = [&["logs", "--follow", "--timestamps", pod], &container[..]].concat();
        let process = self.kubectl.start(&name, &args, &file).await?;
        Ok(Stream {
            process,
            tries,
            over: false,
        })
    }
}

/// The present or last run of a container, and whether it goes on; nothing before the first one has started.
fn state(pod: &Value, container: &str) -> Option<(Run, bool)> {
    let name = pod["metadata"]["name"].as_str()?;
    let containers = pod["status"]["containerStatuses"].as_array()?;
    let status = containers.iter().find(|it| it["name"] == container)?;
    let runs = status["state"]["running"].is_object();
    let ended = status["state"]["terminated"].is_object();
    let restarts = status["restartCount"].as_u64()?;
    (runs || ended).then(|| ((name.to_owned(), restarts), runs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_that_two_streams_brought_is_one() {
        let folder = std::env::temp_dir().join(format!("pod-logs-{:08x}", rand::random::<u32>()));
        fs::create_dir(&folder).unwrap();
        let write = |file: &str, lines: &str| fs::write(folder.join(file), lines).unwrap();
        let mut lines = Lines::of(&folder);
        let mut all = Vec::new();
        write("p-0.1.log", "1 one\n2 one\nunexpected EOF\n");
        lines.look(|line| all.push(line.to_owned())).await.unwrap();
        assert_eq!(all, ["one\n", "one\n", "EOF\n"], "two effects are two");
        write("p-0.2.log", "1 one\n2 one\n3 next\n");
        write("p-1.1.log", "3 next\n4 half of");
        write("pods.watch", "pod/p\n");
        all.clear();
        lines.look(|line| all.push(line.to_owned())).await.unwrap();
        assert_eq!(all, ["next\n"], "the stream had broken off");
        fs::remove_dir_all(&folder).unwrap();
    }
}
