//! How a stack is to be.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use harness::toolbox::Toolbox;
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::pod::App;

/// What [`super::Stack::start`] needs. [`StackOptions::new`] fills in everything but the toolbox.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// The programs.
    pub toolbox: Toolbox,
    /// `broker.active`.
    pub broker: String,
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
            standby: Vec::new(),
            values: json!({}),
            api_env: BTreeMap::new(),
            ready: Duration::from_mins(1),
            roll: Duration::from_mins(1),
            restarts: false,
            keep: false,
            progress: ProgressBar::hidden(),
        }
    }

    /// A binary of the product.
    pub(super) fn binary(&self, name: &str) -> PathBuf {
        self.toolbox.services.join(name)
    }

    /// The same as an app.
    pub(super) fn app(&self, name: &str) -> App {
        App::Binary(self.binary(name))
    }

    /// Whether the broker of this entry runs from the beginning. Redis always does: it is the state store.
    pub(super) fn starts(&self, entry: &str) -> bool {
        entry == "redis" || self.broker == entry || self.standby.iter().any(|it| it == entry)
    }
}
