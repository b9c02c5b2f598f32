//! `argocd/`: what Argo CD or Dapr's chart would refuse or overlook. That syncs go as they should is a scenario on a cluster.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use harness::chart::{KUBE_VERSION, Rendered};
use harness::workspace;
use serde::Deserialize as _;
use serde_json::Value;

use crate::installations::{RENDERED, files, yaml};
use crate::schemas::conform;
use crate::tools::{TOOLS, output};

/// What the projects allow of the cluster's own kinds for `CreateNamespace`.
const NAMESPACE: &str = "/Namespace";

/// The files that `kubectl apply -f argocd/` takes.
fn applied() -> Result<Vec<PathBuf>> {
    let mut files = files(&workspace().join("argocd"))?;
    files.retain(|file| file.extension().is_some_and(|it| it == "yaml"));
    Ok(files)
}

fn object(kind: &str, name: &str) -> Result<Value> {
    for file in applied()? {
        let text = std::fs::read_to_string(&file)?;
        for document in serde_norway::Deserializer::from_str(&text) {
            let object = Value::deserialize(document)?;
            if object["kind"] == kind && object["metadata"]["name"] == name {
                return Ok(object);
            }
        }
    }
    bail!("argocd/ has no {kind} {name}")
}

#[test]
fn argo_cd_knows_every_field() -> Result<()> {
    conform(&applied()?)
}

/// In both directions: a kind too few is a sync that is refused, one too many is a right that nobody needs.
#[test]
fn the_project_allows_what_the_environments_render() -> Result<()> {
    let mut rendered = BTreeSet::from([NAMESPACE.to_owned()]);
    for (_, environment) in RENDERED
        .iter()
        .filter(|(name, _)| name.starts_with("argocd-"))
    {
        let objects = environment.objects();
        rendered.extend(objects.filter(|it| !is_helm_test(it)).map(kind));
    }
    let project = object("AppProject", "task-pubsub")?;
    assert_eq!(allowed(&project), rendered);

    let mut namespaces = BTreeSet::new();
    for environment in files(&workspace().join("argocd/environments"))? {
        namespaces.insert(yaml(&environment.join("config.yaml"))?["namespace"].to_string());
    }
    let destinations = project["spec"]["destinations"].as_array();
    let destinations = destinations.into_iter().flatten();
    let destinations: BTreeSet<_> = destinations.map(|it| it["namespace"].to_string()).collect();
    assert_eq!(destinations, namespaces);
    Ok(())
}

#[test]
fn daprs_chart_knows_every_value_and_its_project_every_kind() -> Result<()> {
    let values = &object("Application", "dapr")?["spec"]["source"]["helm"]["valuesObject"];
    let chart = TOOLS.dapr.join("charts/dapr");
    let mut known = yaml(&chart.join("values.yaml"))?;
    for subchart in files(&chart.join("charts"))? {
        let name = subchart.file_name().context("no name")?.to_string_lossy();
        known[name.as_ref()] = yaml(&subchart.join("values.yaml"))?;
    }
    let mut unknown = Vec::new();
    compare(values, &known, "", &mut unknown);
    assert!(unknown.is_empty(), "Dapr's chart ignores {unknown:?}");

    let mut helm = Command::new(&TOOLS.helm3);
    helm.arg("template").arg("dapr").arg(chart);
    helm.args(["--include-crds", "--namespace=dapr-system", "--values=-"]);
    helm.args(["--kube-version", KUBE_VERSION]);
    let rendered = Rendered::parse(&output(&mut helm, &values.to_string())?)?;
    let mut kinds: BTreeSet<_> = rendered.objects().map(kind).collect();
    kinds.insert(NAMESPACE.to_owned());
    assert_eq!(allowed(&object("AppProject", "dapr")?), kinds);
    Ok(())
}

/// Collects the paths of values that are not known. An empty map takes anything.
fn compare(values: &Value, known: &Value, path: &str, unknown: &mut Vec<String>) {
    let (Value::Object(values), Value::Object(known)) = (values, known) else {
        return;
    };
    for (key, value) in values.iter().filter(|_| !known.is_empty()) {
        let path = format!("{path}.{key}");
        match known.get(key) {
            Some(known) => compare(value, known, &path, unknown),
            None => unknown.push(path),
        }
    }
}

/// `apps/Deployment`
fn kind(object: &Value) -> String {
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    let group = text("apiVersion").rsplit_once('/');
    format!("{}/{}", group.map_or("", |(group, _)| group), text("kind"))
}

fn allowed(project: &Value) -> BTreeSet<String> {
    let lists = ["clusterResourceWhitelist", "namespaceResourceWhitelist"];
    let lists = lists
        .iter()
        .filter_map(|list| project["spec"][list].as_array());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kinds = lists
        .flatten()
        .map(|it| format!("{}/{}", text(&it["group"]), text(&it["kind"])));
    kinds.collect()
}

/// Argo CD leaves out what only `helm test` runs.
fn is_helm_test(object: &Value) -> bool {
    let annotations = &object["metadata"]["annotations"];
    annotations["argocd.argoproj.io/hook"].is_null() && annotations["helm.sh/hook"] == "test"
}
