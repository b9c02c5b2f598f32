//! Dapr's chart, from its own sources, with the values that we set.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use harness::chart::{KUBE_VERSION, Rendered};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::applications::Application;
use super::object;
use super::project::{Kinds, Project};
use crate::test::report::Outcome;
use crate::tools::{self, Tool};

pub(super) async fn check() -> Result<Outcome> {
    let tools = tools::ensure(&[Tool::Helm, Tool::DaprModule]).await?;
    let chart = tools.path(Tool::DaprModule)?.join("charts/dapr");
    let application = Application {
        name: "dapr".to_owned(),
        object: object("Application", "dapr")?,
    };
    let tested = Tool::DaprModule.declaration().version;
    let version = application.text("/spec/source/targetRevision")?;
    ensure!(
        version == tested,
        "argocd/dapr.yaml installs Dapr {version}, the tests run with {tested}"
    );

    let values = &application.object["spec"]["source"]["helm"]["valuesObject"];
    let known = known(&chart)?;
    let mut unknown = Vec::new();
    let count = compare(values, &known, "", &mut unknown);
    ensure!(
        unknown.is_empty(),
        "Dapr's chart has no {unknown:?}: the values would have no effect, and nobody would say so"
    );

    let project = Project::read(&object("AppProject", "dapr")?)?;
    project.allows(&application)?;
    let namespace = application.text("/spec/destination/namespace")?;
    let objects = render(tools.path(Tool::Helm)?, &chart, namespace, values).await?;
    let mut rendered = Kinds::of_created_namespace();
    rendered.add(objects.objects());
    project.allows_exactly(&rendered)?;
    for object in objects.objects() {
        let other = object["metadata"]["namespace"].as_str();
        ensure!(
            other.is_none_or(|other| other == namespace),
            "{} {} is rendered into {other:?}, where the project may not go",
            object["kind"],
            object["metadata"]["name"]
        );
    }
    Ok(Outcome {
        passed: 1,
        figures: format!("{count} values, {} kinds", rendered.len()),
    })
}

/// The chart's values, with those of its subcharts under their names, as Helm sees them.
fn known(chart: &Path) -> Result<Value> {
    let read = |folder: &Path| -> Result<Value> {
        let file = folder.join("values.yaml");
        let text = std::fs::read_to_string(&file);
        Ok(serde_norway::from_str(
            &text.with_context(|| file.display().to_string())?,
        )?)
    };
    let mut known = read(chart)?;
    for subchart in std::fs::read_dir(chart.join("charts"))? {
        let subchart = subchart?;
        known[subchart.file_name().to_string_lossy().as_ref()] = read(&subchart.path())?;
    }
    Ok(known)
}

/// Collects the paths of values that are not known; returns how many there are in all. An empty map takes anything.
fn compare(values: &Value, known: &Value, path: &str, unknown: &mut Vec<String>) -> usize {
    let (Value::Object(values), Value::Object(known)) = (values, known) else {
        return 1;
    };
    if known.is_empty() {
        return 1;
    }
    let mut count = 0;
    for (key, value) in values {
        let path = format!("{path}.{key}");
        match known.get(key) {
            Some(known) => count += compare(value, known, &path, unknown),
            None => unknown.push(path),
        }
    }
    count
}

async fn render(helm: &Path, chart: &Path, namespace: &str, values: &Value) -> Result<Rendered> {
    let mut child = Command::new(helm)
        .args(["template", "dapr"])
        .arg(chart)
        .args(["--include-crds", "--namespace", namespace])
        .args(["--kube-version", KUBE_VERSION, "--values", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = child.stdin.take().context("helm has no stdin")?;
    stdin.write_all(&serde_json::to_vec(values)?).await?;
    drop(stdin);
    let output = child.wait_with_output().await?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Rendered::parse(&String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_that_the_chart_does_not_have_is_found() {
        let known = json!({"global": {"ha": {"enabled": false}}, "selector": {}});
        let unknown = |values: Value| {
            let mut unknown = Vec::new();
            compare(&values, &known, "", &mut unknown);
            unknown
        };
        assert!(
            unknown(json!({"global": {"ha": {"enabled": true}}, "selector": {"a": 1}})).is_empty()
        );
        assert_eq!(
            unknown(json!({"global": {"ha": {"enable": true}}})),
            [".global.ha.enable"]
        );
    }
}
