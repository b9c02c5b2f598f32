//! Scripts of `.github/scripts` as commands: with the tools that they call ahead of all others on PATH.

use std::env;
use std::path::Path;
use std::process::{ExitCode, Stdio};

use anyhow::{Context as _, Result, ensure};
use harness::workspace;
use tokio::process::Command;

use crate::stack::Args;
use crate::tools::{self, Tool};

const BUILD: &[Tool] = &["buildah", "zigbuild", "cargo-auditable", "jq"];
const VERIFY: &[Tool] = &["crane", "cosign", "helm4", "jq"];

/// Runs the script; its exit code is ours.
pub(crate) async fn run(script: &str, args: &Args) -> Result<ExitCode> {
    let step = args.args.first().and_then(|it| it.to_str());
    let mut command = prepared(script, &needed(script, step.unwrap_or_default())).await?;
    let ended = command.args(&args.args).status().await;
    let code = ended.with_context(|| script.to_owned())?.code();
    let code = code.and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Builds the images of the services for this machine, and that of the load, which is in no release. Gives the name of each, and the path of its archive.
pub(crate) async fn images(registry: &str, tag: &str) -> Result<Vec<(String, String)>> {
    let mut command = prepared("images", BUILD).await?;
    command.args(["--registry", registry, "--tag", tag, "--also", "task-load"]);
    let output = command.stderr(Stdio::inherit()).output().await?;
    ensure!(output.status.success(), "the images were not built");
    let lines = String::from_utf8(output.stdout)?;
    let image = |line: &str| {
        let archive = workspace().join(line.rsplit(' ').next()?);
        let name = line.split(' ').next()?;
        Some((name.to_owned(), archive.to_string_lossy().into_owned()))
    };
    Ok(lines.lines().filter_map(image).collect())
}

fn needed(script: &str, step: &str) -> Vec<Tool> {
    match (script, step) {
        ("images", _) => BUILD.to_vec(),
        ("promote", _) => vec!["yq", "jq"],
        (_, "check" | "notes") => vec!["parse-changelog", "jq"],
        (_, "build") => [BUILD, &["syft"]].concat(),
        (_, "publish") => [VERIFY, &["yq"]].concat(),
        (_, "verify" | "install") => VERIFY.to_vec(),
        (_, "--dry-run") => [BUILD, VERIFY, &["syft", "yq"]].concat(),
        _ => vec!["jq"],
    }
}

async fn prepared(script: &str, wanted: &[Tool]) -> Result<Command> {
    let tools = tools::ensure(wanted).await?;
    let path = env::var_os("PATH").unwrap_or_default();
    let missing = tools.iter().map(|(_, found)| found.path.as_path());
    let missing = missing.filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        tools::on_path(&name).as_deref() != Some(*path)
    });
    let missing = missing.filter_map(Path::parent).map(Path::to_owned);
    let path = missing.chain(env::split_paths(&path));
    let mut command = Command::new(workspace().join(".github/scripts").join(script));
    command
        .env("PATH", env::join_paths(path)?)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}
