//! The programs and sources that the tests use.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use anyhow::{Context as _, Result, bail};
use harness::workspace;
use serde::Deserialize;

/// Where `cargo xtask test` leaves it.
const FILE: &str = "target/chart-tools.json";

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
    let program = command.get_program().display().to_string();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let mut stdin = child.stdin.take().context("no stdin")?;
    let input = input.to_owned();
    let written = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output()?;
    let stdout = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        let said = stdout + &String::from_utf8_lossy(&output.stderr);
        let fine = |line: &&str| PASSED.iter().any(|it| line.starts_with(it));
        let said: Vec<_> = said.lines().filter(|line| !fine(line)).collect();
        bail!("{program} failed\n{}", said.join("\n"));
    }
    written.join().expect("writing does not panic")?;
    Ok(stdout)
}
