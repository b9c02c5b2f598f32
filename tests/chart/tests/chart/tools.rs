//! The programs and sources that the tests use.

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Result, anyhow};
use harness::{command, workspace};
use serde::Deserialize;
use tokio::process::Command;
use tokio::runtime;

/// Where `cargo xtask test` leaves it.
const FILE: &str = "target/chart-tools.json";

/// For any of them, on a busy machine.
const LIMIT: Duration = Duration::from_mins(10);

/// What helm-unittest and kube-score write of what is as it should be.
const PASSED: [&str; 3] = [" PASS", "[OK]", "[SKIPPED]"];

/// Programs, and folders of Go modules.
#[derive(Debug, Deserialize)]
pub(crate) struct Tools {
    pub(crate) helm3: PathBuf,
    pub(crate) helm4: PathBuf,
    pub(crate) helm_docs: PathBuf,
    pub(crate) helm_unittest: PathBuf,
    pub(crate) kubeconform: PathBuf,
    pub(crate) kube_score: PathBuf,
    pub(crate) argo_cd: PathBuf,
    pub(crate) components_contrib: PathBuf,
    pub(crate) dapr: PathBuf,
    pub(crate) keda: PathBuf,
    pub(crate) kubernetes: PathBuf,
    pub(crate) prometheus_operator: PathBuf,
}

pub(crate) static TOOLS: LazyLock<Tools> = LazyLock::new(|| {
    let text = std::fs::read_to_string(workspace().join(FILE))
        .unwrap_or_else(|_| panic!("no {FILE}: `cargo xtask test --only chart` writes it"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{FILE}: {error}"))
});

/// Runs a program to its end and returns its standard output; the error is what it wrote of failures.
pub(crate) fn output(command: &mut Command, input: &str) -> Result<String> {
    block_on(command::output(command, LIMIT, input))?.map_err(|error| {
        let said = error.to_string();
        let fine = |line: &&str| PASSED.iter().any(|it| line.starts_with(it));
        let said: Vec<_> = said.lines().filter(|line| !fine(line)).collect();
        let program = command.as_std().get_program().display();
        anyhow!("{program} failed\n{}", said.join("\n"))
    })
}

/// For tests, each of which has a thread.
pub(crate) fn block_on<F: Future>(future: F) -> Result<F::Output> {
    let mut runtime = runtime::Builder::new_current_thread();
    Ok(runtime.enable_all().build()?.block_on(future))
}
