//! Files that nobody edits: the chart's `README.md`, `golden/`, so that a change of the chart is a change of manifests in review, and
//! `docs/asyncapi.json`.
//! `cargo xtask chart` writes them.

mod asyncapi;

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use harness::chart::folder;
use serde_json::Value;
use tokio::process::Command;

use crate::installations::{RENDERED, by_name, files, output, tool};

/// Of these examples of a broker, or of a state store, the Components and Subscriptions that the defaults do not have.
const OF_BROKERS: [&str; 10] = [
    "gcp",
    "generic",
    "jetstream",
    "kafka",
    "postgresql",
    "pulsar",
    "rabbitmq",
    "redis",
    "servicebus",
    "snssqs",
];

/// Whether the files are to be written anew.
fn update() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

#[test]
fn readme_is_that_of_the_values() -> Result<()> {
    let mut helm_docs = Command::new(tool("helm-docs"));
    helm_docs.arg("--chart-search-root").arg(folder());
    helm_docs.args(["--dry-run", "--log-level=warning"]);
    helm_docs.arg("--sort-values-order=file");
    let text = output(&mut helm_docs, "")?;
    // It exits with 0 after an error, too.
    let nothing = text.trim().is_empty();
    ensure!(
        !nothing,
        "helm-docs cannot read the chart: run {helm_docs:?}"
    );
    let rows = text.lines().filter(|line| line.starts_with('|'));
    let silent: Vec<_> = rows.filter(|row| row.ends_with("|  |")).collect();
    let told = silent.is_empty();
    ensure!(told, "values.yaml has no comment `# --` above {silent:?}");
    compare(&folder().join("README.md"), &format!("{}\n", text.trim()))
}

#[test]
fn golden_files_are_what_is_rendered() -> Result<()> {
    let golden = folder().join("golden");
    let defaults: Vec<_> = RENDERED["defaults"].objects().collect();
    let mut made = Vec::new();
    let own = |object: &Value| {
        let kind = object["kind"].as_str().unwrap_or_default();
        ["Component", "Subscription"].contains(&kind) && !defaults.contains(&object)
    };
    for (name, rendered) in RENDERED.iter() {
        let name = name.as_str();
        let whole = ["defaults", "production"].contains(&name) || name.starts_with("argocd-");
        if whole || OF_BROKERS.contains(&name) {
            // By kind and name, so that moving a template is no change.
            let objects = by_name(rendered.objects().filter(|it| whole || own(it)));
            let texts = objects.into_values().map(serde_norway::to_string);
            let texts = texts.map(|text| Ok(format!("---\n{}", text?)));
            let text = texts.collect::<Result<String>>()?;
            made.push((golden.join(format!("{name}.yaml")), text));
        }
    }
    for file in files(&golden)? {
        if !made.iter().any(|(path, _)| *path == file) {
            ensure!(update(), "{}: nothing renders this file", file.display());
            std::fs::remove_file(file)?;
        }
    }
    made.iter().try_for_each(|(path, text)| compare(path, text))
}

fn compare(path: &Path, text: &str) -> Result<()> {
    let there = std::fs::read_to_string(path).unwrap_or_default();
    if there == text {
        return Ok(());
    }
    if update() {
        return std::fs::write(path, text).with_context(|| path.display().to_string());
    }
    let there: Vec<_> = there.lines().collect();
    let (path, new) = (path.display(), text.lines().find(|it| !there.contains(it)));
    bail!("{path} is not up to date, run `cargo xtask chart`. The first new line: {new:?}")
}
