//! How a stack is to be.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use serde_json::{Value, json};

use harness::{toolbox::Toolbox, workspace};

use super::pod::App;

/// What [`super::Stack::start`] needs. [`StackOptions::new`] fills in everything but the toolbox.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// The programs.
    pub toolbox: Toolbox,
    /// The chart's folder.
    pub chart: PathBuf,
    /// Where work folders are made: `target/stacks`.
    pub root: PathBuf,
    /// The `task-api` binary.
    pub api: PathBuf,
    /// The `task-worker` binary.
    pub worker: PathBuf,
    /// The `task-probe` binary.
    pub probe: PathBuf,
    /// `broker.active`.
    pub broker: String,
    /// `broker.subscribe`; empty = just the active one.
    pub subscribe: Vec<String>,
    /// Entries whose brokers start with the stack although no broker value names them yet.
    pub standby: Vec<String>,
    /// Chart values laid over the harness's own.
    pub values: Value,
    /// Environment of `task-api` on top of its Deployment's.
    pub api_env: BTreeMap<String, String>,
    /// How long the pods of a new stack may take to become ready.
    pub ready: Duration,
    /// The same for a pod that replaces another.
    pub roll: Duration,
    /// How much later than SIGTERM the last request may be sent to an instance: news of an endpoint's end
    /// travels, and in Kubernetes it travels beside the signal, not before it.
    pub endpoint_lag: Duration,
    /// Whether services and sidecars that end by themselves are started again, as the kubelet does. Otherwise one that ends
    /// is a failure.
    pub restarts: bool,
    /// Leaves the work folder in place.
    pub keep: bool,
    /// Is told each step.
    pub progress: Progress,
}

impl StackOptions {
    /// Redis only, with this workspace's chart and target folder.
    pub fn new(toolbox: Toolbox) -> Self {
        let workspace = workspace();
        let [api, worker, probe] =
            ["task-api", "task-worker", "task-probe"].map(|it| toolbox.services.join(it));
        Self {
            toolbox,
            chart: workspace.join("charts/task-pubsub"),
            root: workspace.join("target/stacks"),
            api,
            worker,
            probe,
            broker: "redis".to_owned(),
            subscribe: Vec::new(),
            standby: Vec::new(),
            values: json!({}),
            api_env: BTreeMap::new(),
            ready: Duration::from_mins(1),
            roll: Duration::from_mins(1),
            endpoint_lag: Duration::from_millis(250),
            restarts: false,
            keep: false,
            progress: Progress::default(),
        }
    }

    /// `task-api` as an app.
    pub(super) fn api_app(&self) -> App {
        App::Binary(self.api.clone())
    }

    /// `task-worker` as an app.
    pub(super) fn worker_app(&self) -> App {
        App::Binary(self.worker.clone())
    }

    /// Whether the broker of this entry runs from the beginning. Redis always does: it is the state store.
    pub(super) fn starts(&self, entry: &str) -> bool {
        let mut named = self.subscribe.iter().chain(&self.standby);
        entry == "redis" || self.broker == entry || named.any(|it| it == entry)
    }
}

/// Who is told what the stack is doing.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(&str) + Send + Sync>);

impl Progress {
    /// Calls `tell` with each step.
    pub fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(super) fn step(&self, step: &str) {
        (self.0)(step);
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}
