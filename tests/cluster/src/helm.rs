//! `helm`, version 3 or 4, for one release.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::process::Command;

use harness::command::output;

/// Beyond the limit that Helm is told.
const MARGIN: Duration = Duration::from_secs(30);

pub(crate) struct Helm {
    pub(crate) program: PathBuf,
    pub(crate) namespace: String,
    pub(crate) release: String,
}

impl Helm {
    /// `helm upgrade --install --wait` with these values. The error is what Helm says.
    pub(crate) async fn upgrade(
        &self,
        chart: &Path,
        values: &Value,
        limit: Duration,
    ) -> Result<()> {
        let (chart, values) = (chart.to_string_lossy(), values.to_string());
        let args = [&chart, "--install", "--wait", "--values=-"];
        self.run("upgrade", &args, limit, &values).await.map(drop)
    }

    /// Another command on the release, such as `rollback`, `test` or `uninstall`; an error when a test fails.
    pub(crate) async fn run(
        &self,
        command: &str,
        args: &[&str],
        limit: Duration,
        input: &str,
    ) -> Result<String> {
        let mut helm = Command::new(&self.program);
        helm.args([command, &self.release]).args(args);
        helm.args(["--namespace", &self.namespace]);
        helm.arg(format!("--timeout={}s", limit.as_secs()));
        let ended = output(&mut helm, limit + MARGIN, input).await;
        ended.with_context(|| format!("helm {command} {}", self.release))
    }
}
