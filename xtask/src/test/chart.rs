//! The chart: lint, every example's rendering against upstream's schemas, and every refusal.

mod helm4;
mod keys;
mod metadata;
mod package;
mod policy;
mod ready;
mod triggers;
mod unittest;

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};
use harness::chart::{Chart, KUBE_VERSION};
use harness::workspace;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::report::{Outcome, Report};
use super::schemas;
use crate::chart::definitions;
use crate::chart::files::{examples, folder, installations, label, values};
use crate::tools::{self, Tool};

/// Values that the chart must refuse, and a part of what it says.
#[derive(Debug, Deserialize)]
struct Refused {
    name: String,
    values: Value,
    message: String,
}

pub(super) async fn check(report: &mut Report) {
    report
        .check("chart-lint", "helm lint --strict has nothing to say", lint)
        .await;
    report
        .check(
            "chart-schemas",
            "every example renders, and upstream's schemas know every field of it",
            render,
        )
        .await;
    report
        .check(
            "chart-generated",
            "schema, README and golden renderings are what `cargo xtask chart` would write",
            crate::chart::check,
        )
        .await;
    report
        .check(
            "chart-refusals",
            "wrong values are refused with a sentence that names them",
            refuse,
        )
        .await;
    report
        .check(
            "chart-ready",
            "every entry of `brokers` renders once it is named, and a default of an optional key is what its absence means",
            ready::check,
        )
        .await;
    report
        .check(
            "chart-keys",
            "every key refuses a wrong type, a wrong name and what is out of bounds, and says where",
            keys::check,
        )
        .await;
    report
        .check(
            "chart-metadata",
            "daprd reads every metadata item of the chart, and what it marks as secret is from a Secret",
            metadata::check,
        )
        .await;
    report
        .check(
            "chart-unittest",
            "every template has unit tests, and they pass",
            unittest::check,
        )
        .await;
    report
        .check(
            "chart-policy",
            "every example's pods are admitted as restricted, and follow best practice",
            policy::check,
        )
        .await;
    report
        .check(
            "chart-helm4",
            "Helm 3 and Helm 4 render the same objects from every example",
            helm4::check,
        )
        .await;
    report
        .check(
            "chart-package",
            "packed, it holds what users need and nothing else, and works as a dependency of another chart",
            package::check,
        )
        .await;
    report
        .check(
            "chart-triggers",
            "KEDA reads every field of the triggers that the chart makes",
            triggers::check,
        )
        .await;
}

async fn lint() -> Result<String> {
    lint_with(&tools::helm().await?).await?;
    Ok(String::new())
}

async fn lint_with(helm: &Path) -> Result<()> {
    let folder = folder();
    output(
        Command::new(helm)
            .args([
                "lint",
                "--strict",
                "--quiet",
                "--kube-version",
                KUBE_VERSION,
            ])
            .arg(folder),
    )
    .await
}

async fn render() -> Result<Outcome> {
    let wanted = [Tool::Helm, Tool::Kubeconform, Tool::KubernetesModule];
    let wanted: Vec<_> = wanted.into_iter().chain(definitions::SOURCES).collect();
    let tools = tools::ensure(&wanted).await?;
    let schemas = workspace().join("target/schemas");
    let crds = definitions::folders(&tools)?;
    schemas::write(tools.path(Tool::KubernetesModule)?, &crds, &schemas)?;
    let chart = Chart::new(tools.path(Tool::Helm)?, folder(), "task-pubsub");
    let examples = examples()?;
    for example in &examples {
        let name = example.file_name().unwrap_or_default().to_string_lossy();
        let rendered = chart
            .render(&values(example)?)
            .await
            .with_context(|| name.to_string())?;
        let objects = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": rendered.objects().collect::<Vec<_>>()});
        conform(tools.path(Tool::Kubeconform)?, &schemas, &objects)
            .await
            .with_context(|| name.to_string())?;
    }
    Ok(Outcome {
        passed: examples.len(),
        figures: format!("{} examples", examples.len()),
    })
}

/// Holds objects against the schemas in a folder.
pub(super) async fn conform(kubeconform: &Path, schemas: &Path, objects: &Value) -> Result<()> {
    let location = format!(
        "{}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json",
        schemas.display()
    );
    let mut child = Command::new(kubeconform)
        .args(["-strict", "-schema-location", &location, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = child.stdin.take().context("kubeconform has no stdin")?;
    stdin.write_all(&serde_json::to_vec(objects)?).await?;
    drop(stdin);
    let output = child.wait_with_output().await?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    Ok(())
}

async fn refuse() -> Result<Outcome> {
    let chart = Chart::new(&tools::helm().await?, folder(), "task-pubsub");
    let table: Vec<Refused> =
        serde_norway::from_str(&std::fs::read_to_string(folder().join("ci/refused.yaml"))?)?;
    ensure!(!table.is_empty(), "no refusals in ci/refused.yaml");
    for row in &table {
        let Err(refusal) = chart.render(&row.values).await else {
            bail!("{}: not refused", row.name);
        };
        let said = format!("{refusal:#}");
        ensure!(
            said.contains(&row.message),
            "{}: says not `{}` but: {said}",
            row.name,
            row.message
        );
    }
    Ok(Outcome {
        passed: table.len(),
        figures: format!("{} refusals", table.len()),
    })
}

async fn output(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&said)
    );
    Ok(())
}
