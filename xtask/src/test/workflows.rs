//! `.github/`: workflows and scripts as their linters want them, and what the linters do not look at.
//!
//! | module | holds |
//! |---|---|
//! | [`rules`] | what a workflow must have, and which actions it may use |
//! | [`shell`] | command lines, as far as workflows and scripts have them |
//! | [`selected`] | which checks and scenarios the workflows run: all of them |

mod rules;
mod selected;
mod shell;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use clap::Parser as _;
use clap::error::ErrorKind;
use harness::workspace;
use serde_json::Value;
use tokio::process::Command;

use super::report::{Outcome, Report};
use crate::chart::files::listed;
use crate::tools::{self, Tool};

/// A workflow, or an action of ours.
#[derive(Debug)]
struct Document {
    /// From the workspace's folder.
    path: String,
    text: String,
    value: Value,
}

pub(super) async fn check(report: &mut Report) {
    report
        .check(
            "workflows",
            "actionlint, zizmor and shellcheck have nothing to say; workflows call what exists, and run every check there is",
            workflows,
        )
        .await;
}

async fn workflows() -> Result<Outcome> {
    let tools = tools::ensure(&[Tool::Actionlint, Tool::Zizmor, Tool::Shellcheck]).await?;
    let workflows = read(&listed(&workspace().join(".github/workflows"), "yaml")?)?;
    let mut actions = Vec::new();
    for folder in std::fs::read_dir(workspace().join(".github/actions"))? {
        actions.push(folder?.path().join("action.yaml"));
    }
    let actions = read(&actions)?;
    let scripts = scripts()?;

    let mut complaints = Vec::new();
    complaints.extend(lint(&tools, &workflows).await?);
    for script in &scripts {
        complaints.extend(script_lint(tools.path(Tool::Shellcheck)?, script).await?);
    }
    for workflow in &workflows {
        complaints.extend(at(&workflow.path, rules::closed(&workflow.value)));
        complaints.extend(at(&workflow.path, rules::uncached(&workflow.value)));
    }
    let all = || workflows.iter().chain(&actions);
    for document in all() {
        let glue = rules::glue(&document.value, &|path| workspace().join(path).is_file());
        complaints.extend(at(&document.path, glue));
        complaints.extend(at(&document.path, commands(&rules::runs(&document.value))));
    }
    for script in &scripts {
        let text = std::fs::read_to_string(script)?;
        complaints.extend(at(&name(script), commands(&[text])));
    }
    complaints.extend(rules::pinned(
        all().map(|it| (it.path.as_str(), it.text.as_str())),
    ));
    let pins = crate::pins::all().map(|(name, _)| name);
    complaints.extend(rules::nodes(
        workflows.iter().map(|it| it.text.as_str()),
        pins,
    ));
    complaints.extend(selected::complaints(workflows.iter().map(|it| &it.value)).await?);
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(Outcome {
        passed: workflows.len() + actions.len() + scripts.len(),
        figures: format!("{} workflows, {} scripts", workflows.len(), scripts.len()),
    })
}

fn read(paths: &[PathBuf]) -> Result<Vec<Document>> {
    let mut documents = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let value = serde_norway::from_str(&text).with_context(|| path.display().to_string())?;
        let path = name(path);
        documents.push(Document { path, text, value });
    }
    ensure!(!documents.is_empty(), "no workflows");
    Ok(documents)
}

/// What workflows call, and CI.
fn scripts() -> Result<Vec<PathBuf>> {
    let mut scripts = vec![workspace().join(".ci/run")];
    for script in std::fs::read_dir(workspace().join(".github/scripts"))? {
        scripts.push(script?.path());
    }
    scripts.sort();
    Ok(scripts)
}

async fn lint(tools: &tools::Tools, workflows: &[Document]) -> Result<Vec<String>> {
    let shellcheck = tools.path(Tool::Shellcheck)?.to_string_lossy().into_owned();
    let mut actionlint = Command::new(tools.path(Tool::Actionlint)?);
    // There is no Python in workflows, and a pyflakes that happens to be there must make no difference.
    actionlint.args(["-no-color", "-shellcheck", &shellcheck, "-pyflakes", ""]);
    actionlint.args(workflows.iter().map(|it| &it.path));
    let mut zizmor = Command::new(tools.path(Tool::Zizmor)?);
    // The network would tell of new advisories, and the check would depend on the day.
    zizmor.args([
        "--offline",
        "--no-progress",
        "--color=never",
        "--persona=pedantic",
        ".github",
    ]);
    Ok([said(&mut actionlint).await?, said(&mut zizmor).await?]
        .into_iter()
        .flatten()
        .collect())
}

async fn script_lint(shellcheck: &Path, script: &Path) -> Result<Option<String>> {
    if script.metadata()?.permissions().mode() & 0o111 == 0 {
        return Ok(Some(format!("{}: not executable", name(script))));
    }
    let text = std::fs::read_to_string(script)?;
    let first = text.lines().next().unwrap_or_default();
    let mut command = match first {
        "#!/usr/bin/env bash" => Command::new(shellcheck),
        "#!/usr/bin/env python3" => {
            let mut python = Command::new("python3");
            python.args([
                "-c",
                "import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])",
            ]);
            python
        }
        _ => {
            return Ok(Some(format!(
                "{}: `{first}` is nothing that is checked",
                name(script)
            )));
        }
    };
    command.arg(name(script));
    said(&mut command).await
}

/// What a linter says, unless it is content.
async fn said(linter: &mut Command) -> Result<Option<String>> {
    linter
        .current_dir(workspace())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = linter.output().await?;
    let said = [output.stdout, output.stderr].concat();
    Ok((!output.status.success()).then(|| String::from_utf8_lossy(&said).trim().to_owned()))
}

/// Every `cargo xtask` in these texts that this program would not understand.
fn commands(texts: &[String]) -> Vec<String> {
    let mut complaints = Vec::new();
    for words in texts
        .iter()
        .flat_map(|text| shell::xtask_calls(text, &|_| None))
    {
        let open = words.iter().any(|word| word.contains(shell::UNKNOWN));
        let Err(error) = crate::Cli::try_parse_from(&words) else {
            continue;
        };
        if open && is_about_a_value(&error) {
            continue;
        }
        let said = error.to_string();
        let reason = said.lines().next().unwrap_or_default();
        complaints.push(format!("`{}`: {reason}", words.join(" ")));
    }
    complaints
}

/// What stands in a variable is not known here, be it a value or, without quotes, whole flags.
fn is_about_a_value(error: &clap::Error) -> bool {
    let flags = format!("'{}'", shell::UNKNOWN);
    match error.kind() {
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => true,
        ErrorKind::UnknownArgument => error.to_string().contains(&flags),
        _ => false,
    }
}

fn at(path: &str, complaints: Vec<String>) -> impl Iterator<Item = String> {
    complaints
        .into_iter()
        .map(move |it| format!("{path}: {it}"))
}

fn name(path: &Path) -> String {
    let path = path.strip_prefix(workspace()).unwrap_or(path);
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn a_call_that_this_program_does_not_understand_is_found() {
        let found = |text: &str| commands(&[text.to_owned()]).len();
        assert_eq!(found("cargo xtask test --only \"$ONLY\""), 0);
        assert_eq!(
            found("cargo xtask tools --install \"$1\" | jq ."),
            0,
            "which tool, is not known"
        );
        assert_eq!(found("cargo xtask test --just chart"), 1);
        assert_eq!(found("cargo xtask tset"), 1);
        assert_eq!(found("cargo xtask tools --install no-such-tool"), 1);
    }
}
