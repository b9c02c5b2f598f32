//! The logs of pods that come and go: every line of every run of a container, once.
//!
//! A pod's log is gone with the pod, so it is followed from the moment the pod is seen. A stream that ends while its container still
//! runs broke off, and is begun again from the container's first line, in a further file. The API server may still call a container
//! running that has just ended, and the second stream then brings the lines of the next run. So a line is known by its timestamp and its
//! text, and counts once, whichever streams brought it ([`harness::Lines`]).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::{Effects, Kubectl, Process};
use local_stack::Background;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// Between two looks, when there is a reason for one. A pod that lived for less could go unseen; none of ours does, the shutdown
/// delay alone is longer.
const LOOK: Duration = Duration::from_millis(500);

/// How long a log stream may go on after its container has ended.
const LAST_LINES: Duration = Duration::from_secs(30);

/// Follows the first container of all pods of a service, until it is stopped.
pub(crate) struct PodLogs {
    /// Stopped, it waits for the last lines of containers that have ended.
    pub(crate) task: Background<()>,
    pub(crate) folder: PathBuf,
    pub(crate) effects: Effects,
}

struct LogFollower {
    kubectl: Kubectl,
    pods: String,
    folder: PathBuf,
    streams: BTreeMap<Run, Stream>,
    /// And how much of what it wrote has been read.
    watch: Option<(Process, u64)>,
}

/// A run of a container: the pod, and how often the container had been restarted.
type Run = (String, u64);

struct Stream {
    process: Process,
    tries: usize,
    /// Its run has ended, and it ended after that.
    over: bool,
}

impl PodLogs {
    /// Begins to follow the pods with the label `app` of this name; files go to a folder of this name in `folder`.
    pub(crate) fn start(kubectl: &Kubectl, service: &str, folder: &Path) -> Result<Self> {
        let folder = folder.join(service);
        fs::create_dir_all(&folder)?;
        let follower = LogFollower {
            kubectl: kubectl.clone(),
            pods: format!("pods --selector=app={service}"),
            folder: folder.clone(),
            streams: BTreeMap::new(),
            watch: None,
        };
        Ok(Self {
            task: Background::start(|stop| follower.run(stop)),
            effects: Effects::of(&folder),
            folder,
        })
    }
}

impl LogFollower {
    async fn run(mut self, stop: CancellationToken) -> Result<()> {
        while !stop.is_cancelled() {
            if self.is_due()? {
                self.look().await?;
            }
            stop.run_until_cancelled(tokio::time::sleep(LOOK)).await;
        }
        let running = self.look().await?;
        for ((pod, restarts), Stream { process, .. }) in &self.streams {
            if running.iter().any(|(runs, _)| runs == pod) {
                process.terminate(LAST_LINES).await?;
            } else {
                let ended = tokio::time::timeout(LAST_LINES, process.wait()).await;
                ended.with_context(|| format!("the log of {pod}-{restarts} does not end"))??;
            }
        }
        Ok(())
    }

    /// Whether something has happened to a pod or to a stream since the last look.
    ///
    /// The output of `kubectl get --watch` grows whenever something happens to one of the pods. Asking instead, twice a second, is a
    /// process each time, and 0.17 s of a processor that the scenario needs for its load.
    fn is_due(&mut self) -> Result<bool> {
        let file = self.folder.join("pods.watch");
        let watch = self.watch.as_mut();
        let Some((_, read)) = watch.filter(|(process, _)| process.ended().is_none()) else {
            let watch = format!("get {} --watch --output=name", self.pods);
            // Where an earlier one has ended, what happened in between is seen by looking.
            self.watch = Some((self.kubectl.start("pods", &watch, &file)?, 0));
            return Ok(true);
        };
        let written = fs::metadata(&file)?.len();
        let something = written != *read;
        *read = written;
        let mut streams = self.streams.values();
        Ok(something || streams.any(|it| !it.over && it.process.ended().is_some()))
    }

    /// Follows what is new and what broke off. Returns the runs that have not ended.
    async fn look(&mut self) -> Result<Vec<Run>> {
        let mut running = Vec::new();
        for pod in &self.kubectl.list(&self.pods).await? {
            let Some((run, runs)) = state(pod) else {
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
            let stream = self.follow(&run, tries + 1)?;
            self.streams.insert(run, stream);
        }
        for (run, stream) in &mut self.streams {
            stream.over = stream.process.ended().is_some() && !running.contains(run);
        }
        Ok(running)
    }

    fn follow(&self, (pod, restarts): &Run, tries: usize) -> Result<Stream> {
        let name = format!("{pod}-{restarts}.{tries}");
        let file = self.folder.join(format!("{name}.log"));
        let follow = format!("logs --follow --timestamps {pod}");
        Ok(Stream {
            process: self.kubectl.start(&name, &follow, &file)?,
            tries,
            over: false,
        })
    }
}

/// The present or last run of a pod's first container, and whether it goes on; nothing before the first one has started.
fn state(pod: &Value) -> Option<(Run, bool)> {
    let container = &pod["spec"]["containers"][0]["name"];
    let name = pod["metadata"]["name"].as_str()?;
    let containers = pod["status"]["containerStatuses"].as_array()?;
    let status = containers.iter().find(|it| it["name"] == *container)?;
    let runs = status["state"]["running"].is_object();
    let ended = status["state"]["terminated"].is_object();
    let restarts = status["restartCount"].as_u64()?;
    (runs || ended).then(|| ((name.to_owned(), restarts), runs))
}
