//! Which checks and scenarios the workflows run. They are split over jobs by words of their names, so that a new one could fall between
//! two words and never run.

use std::collections::BTreeMap;
use std::process::Stdio;

use anyhow::{Result, ensure};
use clap::Parser as _;
use serde_json::Value;
use tokio::process::Command;

use super::{rules, shell};
use crate::test::report::Selection;

/// The commands that split their work so.
const COMMANDS: [&str; 2] = ["test", "e2e"];

/// What is run by nobody, and words that select nothing.
pub(super) async fn complaints<'a>(
    workflows: impl Iterator<Item = &'a Value>,
) -> Result<Vec<String>> {
    let mut selections: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (command, selection) in workflows.flat_map(of_workflow) {
        selections.entry(command).or_default().push(selection);
    }
    let mut complaints = Vec::new();
    for command in COMMANDS {
        let selections = selections.remove(command).unwrap_or_default();
        complaints.extend(compare(command, &names(command).await?, &selections));
    }
    Ok(complaints)
}

fn compare(command: &str, names: &[String], selections: &[Selection]) -> Vec<String> {
    let unrun = names
        .iter()
        .filter(|name| !selections.iter().any(|it| it.takes(name)));
    let unrun = unrun.map(|name| format!("no workflow runs `cargo xtask {command} --only {name}`"));
    let words = selections
        .iter()
        .flat_map(|it| it.only.iter().chain(&it.skip));
    let idle = words.filter(|word| !names.iter().any(|name| name.contains(word.as_str())));
    let idle = idle.map(|word| {
        format!(
            "`{word}`, which a workflow selects, is in no name of `cargo xtask {command} --list`"
        )
    });
    unrun.chain(idle).collect()
}

/// What `--list` names.
async fn names(command: &str) -> Result<Vec<String>> {
    let list = Command::new(std::env::current_exe()?)
        .args([command, "--list"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    let list = String::from_utf8(list.stdout)?;
    let names: Vec<_> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect();
    ensure!(
        !names.is_empty(),
        "`cargo xtask {command} --list` lists nothing"
    );
    Ok(names)
}

/// Command and selection of every call in a workflow, once for each entry of its job's matrix.
fn of_workflow(workflow: &Value) -> Vec<(String, Selection)> {
    let mut found = Vec::new();
    for job in workflow["jobs"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(_, job)| job)
    {
        let entries = job["strategy"]["matrix"]["include"].as_array().cloned();
        for entry in entries.unwrap_or_else(|| vec![Value::Null]) {
            for step in rules::steps(&serde_json::json!({"runs": job})) {
                let value = |name: &str| of_matrix(step["env"][name].as_str()?, &entry);
                let run = step["run"].as_str().unwrap_or_default();
                found.extend(
                    shell::xtask_calls(run, &value)
                        .into_iter()
                        .filter_map(|it| selection(&it)),
                );
            }
        }
    }
    found
}

/// The value of `${{ matrix.KEY }}`.
fn of_matrix(expression: &str, entry: &Value) -> Option<String> {
    let key = expression
        .strip_prefix("${{ matrix.")?
        .strip_suffix(" }}")?;
    entry[key].as_str().map(str::to_owned)
}

fn selection(words: &[String]) -> Option<(String, Selection)> {
    let command = words.get(1)?.clone();
    // What does not parse is complained of elsewhere.
    let selection = match crate::Cli::try_parse_from(words).ok()?.command {
        crate::Command::Test(args) => args.selection,
        crate::Command::E2e(args) => args.selection,
        _ => return None,
    };
    Some((command, selection))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_falls_between_two_words_is_found() {
        let workflow = json!({"jobs": {"a": {
            "strategy": {"matrix": {"include": [{"only": "chart,kafka"}, {"only": "gone"}]}},
            "steps": [{"run": "cargo xtask test --only \"$ONLY\"", "env": {"ONLY": "${{ matrix.only }}"}}],
        }}});
        let selections: Vec<_> = of_workflow(&workflow)
            .into_iter()
            .map(|(_, it)| it)
            .collect();
        let names = ["chart-lint", "retry-kafka", "retry-redis"].map(str::to_owned);
        let complaints = compare("test", &names, &selections);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].contains("retry-redis"));
        assert!(complaints[1].contains("`gone`"));
    }
}
