//! `helm`, version 3 or 4, for one release.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::process::Command;

use harness::chart::RELEASE;
use harness::command::output;

/// Beyond the limit that Helm is told.
const MARGIN: Duration = Duration::from_secs(30);

/// One release of the chart.
#[derive(Debug, Clone)]
pub struct Helm {
    program: PathBuf,
    namespace: String,
}

impl Helm {
    /// The release in `namespace`.
    pub fn new(program: &Path, namespace: &str) -> Self {
        Self {
            program: program.to_owned(),
            namespace: namespace.to_owned(),
        }
    }

    /// `helm upgrade --install --wait` with these values. The error is what Helm says.
    pub async fn upgrade(&self, chart: &Path, values: &Value, limit: Duration) -> Result<String> {
        let chart = chart.to_string_lossy();
        let args = [&chart, "--install", "--wait", "--values", "-"];
        self.call("upgrade", &args, limit, &values.to_string())
            .await
    }

    /// What an upgrade would apply.
    pub async fn template(&self, chart: &Path, values: &Value) -> Result<String> {
        let chart = chart.to_string_lossy();
        let args = [&chart, "--validate", "--values", "-"];
        self.call("template", &args, MARGIN, &values.to_string())
            .await
    }

    /// Another command on the release, such as `rollback`, `test` or `uninstall`; an error when a test fails.
    pub async fn run(&self, command: &str, args: &[&str], limit: Duration) -> Result<String> {
        self.call(command, args, limit, "").await
    }

    async fn call(
        &self,
        command: &str,
        args: &[&str],
        limit: Duration,
        input: &str,
    ) -> Result<String> {
        let mut helm = Command::new(&self.program);
        helm.args([command, RELEASE]).args(args);
        helm.args(["--namespace", &self.namespace]);
        if command != "template" {
            helm.arg(format!("--timeout={}s", limit.as_secs()));
        }
        let ended = output(&mut helm, limit + MARGIN, input).await;
        ended.with_context(|| format!("helm {command} {RELEASE}"))
    }
}
