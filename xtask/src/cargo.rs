//! Calls cargo.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use harness::{console::Step, workspace};
use tokio::process::Command;
use tokio::time::timeout;

use crate::logged;

/// Everything from nothing, tests included, on a slow machine.
const BUILD: Duration = Duration::from_hours(1);

/// All scenarios on a cluster, or the long ones.
const TESTS: Duration = Duration::from_hours(6);

/// Builds the services and the stack, and what else somebody needs.
pub(crate) async fn build_stack(release: bool, more: &[&str]) -> Result<()> {
    let step = Step::announce("services by cargo build");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let services = [
        "task-api",
        "task-worker",
        "task-probe",
        "order-api",
        "order-worker",
        "stack",
    ];
    let mut line = vec![cargo, "build".to_owned(), "--bins".to_owned()];
    let packages = services.iter().chain(more);
    line.extend(packages.map(|package| format!("--package={package}")));
    line.extend(release.then(|| "--release".to_owned()));
    let log = target().join("build.log");
    std::fs::write(&log, "")?;
    logged::run(&line, &workspace(), &[], &log, &step).await?;
    step.done("");
    Ok(())
}

/// Where cargo puts the services and the stack.
pub(crate) fn binaries(release: bool) -> PathBuf {
    target().join(if release { "release" } else { "debug" })
}

/// Where cargo builds.
fn target() -> PathBuf {
    let folder = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    workspace().join(folder)
}

/// How a test program has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) passed: usize,
    pub(crate) failed: Vec<String>,
    pub(crate) output: String,
}

/// Runs a test program with a report of its own on standard error. Its name is enough: with `--package` cargo would choose other features
/// for what is shared, and build that a second time.
pub(crate) async fn test(
    name: &str,
    args: &[String],
    environment: &[(&str, &str)],
) -> Result<Ended> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["test", "--quiet", "--workspace", "--test", name, "--"])
        .args(args)
        .envs(environment.iter().copied())
        .current_dir(workspace())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let run = async { command.spawn()?.wait_with_output().await };
    let output = timeout(TESTS, run).await;
    let output = output.with_context(|| format!("{name} does not end"))??;
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let result = output
        .lines()
        .rfind(|line| line.starts_with("test result: "));
    let listed = args.iter().any(|arg| arg == "--list");
    ensure!(
        listed || result.is_some(),
        "{name} gave no result:\n{output}"
    );
    let count = result.and_then(|line| line.split(' ').nth(3)?.parse().ok());
    let failures = output
        .rsplit_once("\nfailures:\n")
        .map_or("", |(_, names)| names);
    let failures = failures.lines().map_while(|line| line.strip_prefix("    "));
    Ok(Ended {
        passed: count.unwrap_or_default(),
        failed: failures.map(str::to_owned).collect(),
        output,
    })
}

/// Runs cargo in the workspace and returns its standard output.
///
/// # Errors
/// It failed; the error ends with what it wrote.
pub(crate) async fn run(arguments: &[&str]) -> Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let line = || format!("cargo {}", arguments.join(" "));
    let command = Command::new(cargo)
        .args(arguments)
        .current_dir(workspace())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ended = timeout(BUILD, command).await;
    let ended = ended.with_context(|| format!("{} does not end", line()))?;
    let output = ended.context("cannot run cargo")?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let readable = |line: &&str| !line.starts_with('{');
    let stdout: Vec<_> = stdout.lines().filter(readable).collect();
    let stderr = String::from_utf8_lossy(&output.stderr);
    bail!("{} failed\n{}\n{stderr}", line(), stdout.join("\n"))
}
