//! The programs that a stack is made of. `cargo xtask tools` finds or installs them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::workspace;

/// Where the commands leave it for tests, in the workspace.
const FILE: &str = "target/toolbox.json";

/// The entries of the chart's `brokers` that a stack can start a broker for.
pub const BROKERS: [&str; 6] = ["redis", "kafka", "rabbitmq", "jetstream", "snssqs", "gcp"];

/// Paths of the programs; nothing is looked up by name.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Toolbox {
    /// The folder with the services' binaries.
    pub services: PathBuf,
    /// Helm 3 or 4.
    pub helm: PathBuf,
    /// daprd 1.18.3 or newer.
    pub daprd: PathBuf,
    /// What runs as the broker of an entry: the server, for Kafka Java, for SNS and SQS the Python of the environment that has moto.
    /// And what else a scenario needs, by its own name.
    pub programs: BTreeMap<String, PathBuf>,
    /// Only for stacks with Kafka: the folder with its jars and those that they need.
    pub jars: Option<PathBuf>,
}

impl Toolbox {
    /// What the last command has found or installed; an error when none has run yet.
    pub fn read() -> Result<Self> {
        let text = std::fs::read_to_string(workspace().join(FILE));
        let text = text.with_context(|| {
            format!("no {FILE}: `cargo xtask tools --stack` finds or installs what a stack needs")
        })?;
        serde_json::from_str(&text).with_context(|| FILE.to_owned())
    }

    /// Leaves it for tests.
    pub fn write(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(workspace().join(FILE), text).context(FILE)
    }
}
