//! `helm`, version 3 or 4, for one release.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::process::Command;

use harness::command::output;

/// Beyond the limit that Helm is told.
const MARGIN: Duration = Duration::from_secs(30);

/// One release of the chart.
#[derive(Debug, Clone)]
pub struct Helm {
    program: PathBuf,
    namespace: String,
    release: String,
}

impl Helm {
    /// The release `release` in `namespace`.
    pub fn new(program: &Path, namespace: &str, release: &str) -> Self {
        Self {
            program: program.to_owned(),
            namespace: namespace.to_owned(),
            release: release.to_owned(),
        }
    }

    /// `helm upgrade --install --wait` with these values. The error is what Helm says.
    pub async fn upgrade(&self, chart: &Path, values: &Value, limit: Duration) -> Result<String> {
        let chart = chart.to_string_lossy();
        let line = ["upgrade", "--install", &self.release, &chart, "--wait"];
        self.run(
            &[&line[..], &["--values", "-"]].concat(),
            limit,
            &values.to_string(),
        )
        .await
    }

    /// What an upgrade would apply.
    pub async fn template(&self, chart: &Path, values: &Value) -> Result<String> {
        let chart = chart.to_string_lossy();
        let line = [
            "template",
            &self.release,
            &chart,
            "--validate",
            "--values",
            "-",
        ];
        self.run(&line, MARGIN, &values.to_string()).await
    }

    /// `helm rollback` to the revision before.
    pub async fn rollback(&self, limit: Duration) -> Result<String> {
        self.run(&["rollback", &self.release, "--wait"], limit, "")
            .await
    }

    /// `helm test`; an error when a test fails.
    pub async fn test(&self, limit: Duration) -> Result<String> {
        self.run(&["test", &self.release], limit, "").await
    }

    /// `helm uninstall --wait`.
    pub async fn uninstall(&self, limit: Duration) -> Result<String> {
        self.run(&["uninstall", &self.release, "--wait"], limit, "")
            .await
    }

    async fn run(&self, args: &[&str], limit: Duration, input: &str) -> Result<String> {
        let mut command = Command::new(&self.program);
        command.args(args).args(["--namespace", &self.namespace]);
        if args[0] != "template" {
            command.arg(format!("--timeout={}s", limit.as_secs()));
        }
        output(command, limit + MARGIN, input)
            .await
            .with_context(|| format!("helm {} {}", args[0], self.release))
    }
}
