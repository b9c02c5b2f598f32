//! How a stack is to be.

use std::{path::PathBuf, time::Duration};

use harness::{chart::merge, toolbox::Toolbox};
use indicatif::ProgressBar;
use serde_json::{Value, json};

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

    pub(super) fn binary(&self, name: &str) -> PathBuf {
        self.toolbox.services.join(name)
    }
}
