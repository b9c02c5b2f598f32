//! `argocd/`: what Argo CD, Dapr's chart and our own chart would refuse later is refused here.
//!
//! | module | holds |
//! |---|---|
//! | [`applications`] | the ApplicationSet played: the Application of each environment |
//! | [`project`] | what an AppProject allows, against what is asked of it |
//! | [`dapr`] | Dapr's chart with our values |

mod applications;
mod dapr;
mod project;

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use harness::chart::Chart;
use harness::workspace;
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::chart::conform;
use super::report::{Outcome, Report};
use super::schemas;
use crate::tools::{self, Tool};

use project::{Kinds, Project};

pub(super) async fn check(report: &mut Report) {
    report
        .check(
            "argocd-schemas",
            "Argo CD's own schemas know every field of argocd/ and of the Applications that come out of it",
            schemas,
        )
        .await;
    report
        .check(
            "argocd-environments",
            "every environment renders, and its project allows exactly what it renders, where it goes and where it comes from",
            environments,
        )
        .await;
    report
        .check(
            "argocd-dapr",
            "Dapr's chart knows every value that is set, and its project allows exactly what it renders",
            dapr::check,
        )
        .await;
}

/// What `argocd/dapr.yaml` sets in Dapr's chart, for who installs it with Helm.
pub(crate) fn dapr_values() -> Result<Value> {
    let mut application = object("Application", "dapr")?;
    let values = application.pointer_mut("/spec/source/helm/valuesObject");
    Ok(values.context("argocd/dapr.yaml sets no values")?.take())
}

/// Every object of the files that `kubectl apply -f argocd/` takes.
fn objects() -> Result<Vec<Value>> {
    let mut objects = Vec::new();
    for file in std::fs::read_dir(workspace().join("argocd"))? {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        for document in serde_norway::Deserializer::from_str(&std::fs::read_to_string(&path)?) {
            let object = Value::deserialize(document);
            objects.push(object.with_context(|| path.display().to_string())?);
        }
    }
    Ok(objects)
}

/// The only object of this kind and name.
fn object(kind: &str, name: &str) -> Result<Value> {
    let objects = objects()?;
    let found = objects
        .into_iter()
        .find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    found.with_context(|| format!("argocd/ has no {kind} {name}"))
}

async fn schemas() -> Result<Outcome> {
    let tools = tools::ensure(&[Tool::Kubeconform, Tool::ArgoCdModule]).await?;
    let folder = workspace().join("target/schemas-argocd");
    let crds = tools.path(Tool::ArgoCdModule)?.join("manifests/crds");
    schemas::write_crds(&[crds], &folder)?;
    let mut objects = objects()?;
    objects.extend(applications::all()?.into_iter().map(|it| it.object));
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    conform(tools.path(Tool::Kubeconform)?, &folder, &list).await?;
    Ok(Outcome {
        passed: objects.len(),
        figures: format!("{} objects", objects.len()),
    })
}

async fn environments() -> Result<Outcome> {
    let helm = tools::helm().await?;
    let applications = applications::all()?;
    let project = Project::read(&object("AppProject", "task-pubsub")?)?;
    let mut rendered = Kinds::of_created_namespace();
    for application in &applications {
        let name = &application.name;
        project.allows(application).with_context(|| name.clone())?;
        let chart = Chart::new(&helm, application.chart()?, "task-pubsub");
        let objects = chart.render(&application.values()?).await;
        let objects = objects.with_context(|| name.clone())?;
        rendered.add_namespaced(objects.objects().filter(|object| !is_helm_test(object)));
    }
    project.allows_exactly(&rendered)?;
    project.goes_nowhere_else(&applications)?;
    Ok(Outcome {
        passed: applications.len(),
        figures: format!(
            "{} environments, {} kinds",
            applications.len(),
            rendered.len()
        ),
    })
}

/// Argo CD leaves out what only `helm test` runs.
fn is_helm_test(object: &Value) -> bool {
    let annotations = &object["metadata"]["annotations"];
    annotations["argocd.argoproj.io/hook"].is_null() && annotations["helm.sh/hook"] == "test"
}

/// The folder of a path in this repository, which must be there.
fn existing(path: &str) -> Result<PathBuf> {
    let found = workspace().join(path);
    ensure!(found.exists(), "{path}: there is no such file or folder");
    Ok(found)
}
