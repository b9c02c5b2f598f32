//! The programs that tests and stacks are made of. `cargo xtask tools` finds or installs them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::workspace;

/// Where the commands leave that of a stack, in the workspace.
pub const STACK: &str = "target/toolbox.json";

/// The same for the tests of the chart.
pub const CHART: &str = "target/chart-tools.json";

/// The entries of the chart's `brokers` that a stack can start a broker for.
pub static BROKERS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let brokers = serde_norway::from_str(include_str!("../../local/brokers.yaml"));
    brokers.unwrap_or_else(|error| panic!("brokers.yaml: {error}"))
});

/// Paths of the programs; nothing is looked up by name.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Toolbox {
    /// The folder with the services' binaries.
    pub services: PathBuf,
    /// By their names in `xtask/tools.yaml`; of what is no program, the folder.
    pub programs: BTreeMap<String, PathBuf>,
}

impl Toolbox {
    /// What the last command has found or installed for a stack; an error when none has run yet.
    pub fn read() -> Result<Self> {
        let read = Self::read_from(STACK);
        read.context("`cargo xtask tools --stack` finds or installs what a stack needs")
    }

    /// The same from this file.
    pub fn read_from(file: &str) -> Result<Self> {
        let text = std::fs::read_to_string(workspace().join(file));
        let text = text.with_context(|| format!("no {file}"))?;
        serde_json::from_str(&text).with_context(|| file.to_owned())
    }

    /// Leaves it for tests.
    pub fn write(&self, file: &'static str) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::create_dir_all(workspace().join("target"))?;
        std::fs::write(workspace().join(file), text).context(file)
    }

    /// Where a tool is that was asked for.
    pub fn path(&self, tool: &str) -> Result<&Path> {
        let path = self.programs.get(tool).map(PathBuf::as_path);
        path.with_context(|| format!("{tool} is not in the toolbox"))
    }
}
