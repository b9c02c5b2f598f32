//! Calls cargo.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use e2e::local::workspace;
use serde::Deserialize;
use tokio::process::Command;
use tokio::time::timeout;

/// Everything from nothing, tests included, on a slow machine.
const BUILD: Duration = Duration::from_hours(1);

/// The services' binaries.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    pub(crate) api: PathBuf,
    pub(crate) worker: PathBuf,
    pub(crate) probe: PathBuf,
}

/// A line of `cargo build --message-format=json`.
#[derive(Debug, Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

/// Builds all services.
pub(crate) async fn build_services(release: bool) -> Result<Binaries> {
    let mut arguments = vec![
        "build",
        "--package=task-api",
        "--package=task-worker",
        "--package=task-probe",
        "--bins",
        "--message-format=json",
    ];
    // Together with xtask the services use the dependencies that were built for it; a release stands by itself.
    arguments.push(if release {
        "--release"
    } else {
        "--package=xtask"
    });
    let output = run(&arguments).await.context("building the services")?;
    let messages: Vec<Message> = output
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let executable = |name: &str| {
        let built = messages.iter().find(|message| {
            message.executable.is_some()
                && message
                    .target
                    .as_ref()
                    .is_some_and(|target| target.name == name)
        });
        built
            .and_then(|message| message.executable.clone())
            .with_context(|| format!("cargo built no {name}"))
    };
    Ok(Binaries {
        api: executable("task-api")?,
        worker: executable("task-worker")?,
        probe: executable("task-probe")?,
    })
}

/// Runs cargo in the workspace and returns its standard output.
///
/// # Errors
/// It failed; the error ends with what it wrote.
pub(crate) async fn run(arguments: &[&str]) -> Result<String> {
    run_with(arguments, &[]).await
}

/// The same with further environment variables.
pub(crate) async fn run_with(
    arguments: &[&str],
    environment: &[(&str, OsString)],
) -> Result<String> {
    Ok(output(arguments, environment).await?.0)
}

/// The same with its standard error, where warnings are.
pub(crate) async fn output(
    arguments: &[&str],
    environment: &[(&str, OsString)],
) -> Result<(String, String)> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run_as(Path::new(&cargo), arguments, environment).await
}

/// The same by a program that calls cargo in its turn.
pub(crate) async fn run_as(
    program: &Path,
    arguments: &[&str],
    environment: &[(&str, OsString)],
) -> Result<(String, String)> {
    let line = || {
        let program = program.file_name().unwrap_or_default();
        format!("{} {}", program.display(), arguments.join(" "))
    };
    let command = Command::new(program)
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir(workspace())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ended = timeout(BUILD, command).await;
    let ended = ended.with_context(|| format!("{} does not end", line()))?;
    let output = ended.with_context(|| format!("cannot run {}", program.display()))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        return Ok((stdout, stderr));
    }
    let readable = |line: &&str| !line.starts_with('{');
    let stdout: Vec<_> = stdout.lines().filter(readable).collect();
    bail!("{} failed\n{}\n{stderr}", line(), stdout.join("\n"))
}

/// Runs rustup for the toolchain in use.
pub(crate) async fn rustup(arguments: &[&str]) -> Result<()> {
    let by_hand = || {
        format!(
            "run `rustup {}`, or use a Rust that has it",
            arguments.join(" ")
        )
    };
    let ran = run_as(Path::new("rustup"), arguments, &[]).await;
    ran.with_context(by_hand).map(drop)
}

/// The folder of the toolchain in use.
pub(crate) async fn sysroot() -> Result<PathBuf> {
    let command = Command::new("rustc")
        .args(["--print", "sysroot"])
        .current_dir(workspace())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = command.await.context("cannot run rustc")?;
    let folder = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "rustc does not say its sysroot");
    Ok(folder.trim().into())
}
