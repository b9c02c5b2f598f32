//! How a stack is to be, and what all its parts share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use harness::{Toolbox, WorkFolder, chart::merge};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use crate::container::Restarts;
use crate::{App, Http, Program, Resources};

/// What [`crate::Stack::start`] needs. [`StackOptions::new`] fills in everything but the toolbox.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// The programs.
    pub toolbox: Toolbox,
    /// `broker.active`.
    pub broker: String,
    /// Chart values laid over the harness's own.
    pub values: Value,
    /// Further apps of these values.
    pub beside: Vec<&'static str>,
    /// Apps that are not programs of ours.
    pub(crate) foreign: BTreeMap<&'static str, Program>,
    /// How long a pod may take to become ready that replaces another.
    pub roll: Duration,
    /// Whether services and sidecars that end by themselves are started again, as the kubelet does. Otherwise one that ends
    /// is a failure.
    pub restarts: bool,
    /// Leaves the work folder in place.
    pub keep: bool,
    /// Shows each step of the start.
    pub progress: ProgressBar,
}

impl StackOptions {
    /// Redis only.
    pub fn new(toolbox: Toolbox) -> Self {
        Self {
            toolbox,
            broker: "redis".to_owned(),
            values: json!({}),
            beside: Vec::new(),
            foreign: BTreeMap::new(),
            roll: Duration::from_mins(1),
            restarts: false,
            keep: false,
            progress: ProgressBar::hidden(),
        }
    }

    /// The same with more values.
    #[must_use]
    pub fn with(mut self, values: &Value) -> Self {
        merge(&mut self.values, values);
        self
    }

    pub(super) fn app(&self, name: &str) -> App {
        let foreign = self.foreign.get(name).cloned();
        foreign.map_or_else(|| self.own(name), App::Program)
    }

    /// The service of this name.
    pub(super) fn own(&self, name: &str) -> App {
        let (words, folder) = (vec![self.binary(name)], ".".into());
        App::Program(Program { words, folder })
    }

    pub(super) fn binary(&self, name: &str) -> PathBuf {
        self.toolbox.services.join(name)
    }
}

/// The place where a stack runs: programs, work folder, Dapr's objects, HTTP client and tokens.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) options: StackOptions,
    pub(crate) folder: Arc<WorkFolder>,
    pub(crate) resources: Resources,
    pub(crate) http: Http,
    /// Where containers are started again: which were.
    pub(crate) kubelet: Option<Restarts>,
    /// What apps must send to the sidecar, where the chart asks for it (`tokens.daprApiTokenSecret`).
    pub(crate) dapr_api_token: String,
    /// What the sidecar sends to apps, where the chart asks for it (`tokens.appTokenSecret`).
    pub(crate) app_api_token: String,
    pods: AtomicU32,
}

impl Site {
    pub(crate) fn new(
        options: StackOptions,
        folder: Arc<WorkFolder>,
        resources: Resources,
    ) -> Self {
        Self {
            kubelet: options.restarts.then(Restarts::default),
            options,
            folder,
            resources,
            http: Http::new(),
            dapr_api_token: token(),
            app_api_token: token(),
            pods: AtomicU32::new(0),
        }
    }

    /// `<app>-<number>`, never the same twice.
    pub(crate) fn pod_name(&self, app: &str) -> String {
        format!("{app}-{}", self.pods.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

pub(crate) fn token() -> String {
    format!("{:032x}", rand::random::<u128>())
}
