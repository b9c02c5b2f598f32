//! The logs of pods that come and go: each run of a container in a file of its own, from its first line to its last.
//!
//! A pod's log is gone with the pod, so it is followed from the moment the pod is seen. The API server says nothing about a log
//! stream that broke off: a stream that ends while its container still runs is begun again, from the container's first line. A
//! container that has just ended still runs in the API server's eyes, and its pod may be gone by the time of the second try: then what the
//! first one brought stays.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::kubectl::Kubectl;
use crate::local::process::Process;

/// Between two looks, when there is a reason for one. A pod that lived for less could go unseen; none of ours does, the shutdown
/// delay alone is longer.
const LOOK: Duration = Duration::from_millis(500);

/// How long a log stream may go on after its container has ended.
const LAST_LINES: Duration = Duration::from_secs(30);

/// Follows one container of all pods with a label, until it is stopped.
#[derive(Debug)]
pub struct Followed {
    stop: CancellationToken,
    task: JoinSet<Result<()>>,
    folder: PathBuf,
}

struct Follower {
    kubectl: Kubectl,
    selector: String,
    container: String,
    folder: PathBuf,
    streams: BTreeMap<String, Process>,
    /// Of them, those that ended with their container.
    over: BTreeSet<String>,
    news: Option<News>,
}

/// `kubectl get --watch`: its output grows whenever something happens to one of the pods.
///
/// Asking instead, twice a second, is a process each time, and 0.17 s of a processor that the scenario needs for its load.
struct News {
    watch: Process,
    read: u64,
}

impl Followed {
    /// Begins to follow `container` of the pods that `selector` selects; files go to `folder`.
    pub fn start(
        kubectl: &Kubectl,
        selector: &str,
        container: &str,
        folder: &Path,
    ) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let stop = CancellationToken::new();
        let follower = Follower {
            kubectl: kubectl.clone(),
            selector: selector.to_owned(),
            container: container.to_owned(),
            folder: folder.to_owned(),
            streams: BTreeMap::new(),
            over: BTreeSet::new(),
            news: None,
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

    /// The files so far.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        files(&self.folder)
    }

    /// Waits for the last lines of containers that have ended, and stops.
    pub async fn stop(mut self) -> Result<()> {
        self.stop.cancel();
        let ended = self.task.join_next().await;
        ended.context("nobody follows any more")??
    }
}

/// The files in the folder of one that follows, or followed.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = fs::read_dir(folder)?;
    let mut files: Vec<_> = files.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|it| it == "log"));
    files.sort();
    Ok(files)
}

impl Follower {
    async fn run(mut self, stop: CancellationToken) -> Result<()> {
        while !stop.is_cancelled() {
            if self.is_due().await? {
                self.look().await?;
            }
            stop.run_until_cancelled(tokio::time::sleep(LOOK)).await;
        }
        let running = self.look().await?;
        for (key, stream) in &self.streams {
            if running.contains(key) {
                stream.terminate(LAST_LINES).await?;
            } else {
                tokio::time::timeout(LAST_LINES, stream.wait())
                    .await
                    .with_context(|| format!("the log of {key} does not end"))??;
            }
            keep_longer(&self.file(key), &self.earlier(key))?;
        }
        Ok(())
    }

    /// Whether something has happened to a pod or to a stream since the last look.
    async fn is_due(&mut self) -> Result<bool> {
        let file = self.folder.join("pods.watch");
        let Some(news) = self.news.as_mut().filter(|it| it.watch.ended().is_none()) else {
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
            self.news = Some(News { watch, read: 0 });
            return Ok(true);
        };
        let written = fs::metadata(&file)?.len();
        let something = written != news.read;
        news.read = written;
        let broken = |(key, stream): (&String, &Process)| {
            stream.ended().is_some() && !self.over.contains(key)
        };
        Ok(something || self.streams.iter().any(broken))
    }

    /// Follows what is new and what broke off. Returns the containers that run.
    async fn look(&mut self) -> Result<Vec<String>> {
        let pods = self
            .kubectl
            .list(&["pods", "--selector", &self.selector])
            .await?;
        let mut running = Vec::new();
        for pod in &pods {
            let Some((key, runs)) = state(pod, &self.container) else {
                continue;
            };
            let broken = self
                .streams
                .get(&key)
                .is_some_and(|it| it.ended().is_some());
            if runs {
                running.push(key.clone());
            }
            if self.streams.contains_key(&key) && !(runs && broken) {
                continue;
            }
            let file = self.file(&key);
            if broken {
                let earlier = self.earlier(&key);
                keep_longer(&file, &earlier)?;
                fs::rename(&file, &earlier)?;
            }
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            let args = ["logs", "--follow", name, "--container", &self.container];
            let stream = self.kubectl.start(&key, &args, &file).await?;
            self.streams.insert(key, stream);
        }
        for (key, stream) in &self.streams {
            if stream.ended().is_some() {
                keep_longer(&self.file(key), &self.earlier(key))?;
                if !running.contains(key) {
                    self.over.insert(key.clone());
                }
            }
        }
        Ok(running)
    }

    fn file(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.log"))
    }

    /// What the stream before the present one brought.
    fn earlier(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.earlier"))
    }
}

/// Both begin with the container's first line, so the longer one has more of it. An error of `kubectl` is shorter than a log of ours.
fn keep_longer(file: &Path, earlier: &Path) -> io::Result<()> {
    let before = match fs::metadata(earlier) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        before => before?.len(),
    };
    if before > fs::metadata(file)?.len() {
        fs::rename(earlier, file)
    } else {
        fs::remove_file(earlier)
    }
}

/// `<pod>-<restarts>` and whether that run of the container is still going; nothing before it has started.
fn state(pod: &Value, container: &str) -> Option<(String, bool)> {
    let name = pod["metadata"]["name"].as_str()?;
    let containers = pod["status"]["containerStatuses"].as_array()?;
    let status = containers.iter().find(|it| it["name"] == container)?;
    let runs = status["state"]["running"].is_object();
    let ended = status["state"]["terminated"].is_object();
    let restarts = status["restartCount"].as_u64()?;
    (runs || ended).then(|| (format!("{name}-{restarts}"), runs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_try_that_found_no_pod_takes_nothing_away() {
        let folder = std::env::temp_dir().join(format!("followed-{:08x}", rand::random::<u32>()));
        fs::create_dir(&folder).unwrap();
        let (file, earlier) = (folder.join("p-0.log"), folder.join("p-0.earlier"));
        let after = |before: Option<&str>, now: &str| {
            fs::write(&file, now).unwrap();
            if let Some(before) = before {
                fs::write(&earlier, before).unwrap();
            }
            keep_longer(&file, &earlier).unwrap();
            assert!(!earlier.exists());
            fs::read_to_string(&file).unwrap()
        };
        let one = format!("{{\"message\":\"{}\"}}\n", "x".repeat(100));
        let two = one.repeat(2);
        let broken = format!("{one}error: unexpected EOF\n");
        let error = "Error from server (NotFound): pods \"p\" not found\n";
        assert_eq!(after(None, &one), one);
        assert_eq!(after(Some(&one), error), one, "the pod was gone");
        assert_eq!(after(Some(&one), &two), two, "the stream had broken off");
        assert_eq!(after(Some(&broken), &two), two, "kubectl said so");
        assert_eq!(after(Some(error), &one), one, "the first try was too early");
        fs::remove_dir_all(&folder).unwrap();
    }
}
