//! `helm`, version 3 or 4, for one release.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::process::Command;

use harness::{command::output, workspace};

/// Beyond the limit that Helm is told.
const MARGIN: Duration = Duration::from_secs(30);

pub(crate) struct Helm {
    pub(crate) program: PathBuf,
    pub(crate) namespace: String,
    pub(crate) release: String,
}

impl Helm {
    /// `helm upgrade --install --wait` with these values. The error is what Helm says.
    pub(crate) async fn upgrade(&self, chart: &str, values: &Value, limit: Duration) -> Result<()> {
        let upgrade = format!("upgrade {chart} --install --wait --values=-");
        let values = values.to_string();
        self.run(&upgrade, limit, &values).await.map(drop)
    }

    /// The words of a command on the release, such as `rollback 1`, `test` or `uninstall`; an error when a test fails. Charts are named
    /// from the workspace's root.
    pub(crate) async fn run(&self, line: &str, limit: Duration, input: &str) -> Result<String> {
        let (mut words, mut helm) = (line.split(' '), Command::new(&self.program));
        helm.args(words.next()).arg(&self.release).args(words);
        helm.args(["--namespace", &self.namespace]);
        helm.arg(format!("--timeout={}s", limit.as_secs()));
        helm.current_dir(workspace());
        let ended = output(&mut helm, limit + MARGIN, input).await;
        ended.with_context(|| format!("helm {line}, {}", self.release))
    }
}
