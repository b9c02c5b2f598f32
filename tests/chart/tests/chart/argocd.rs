//! `argocd/`: what Argo CD or Dapr's chart would refuse or overlook. That syncs go as they should is a scenario on a cluster.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use harness::chart::{self, KUBE_VERSION, Rendered, items, text};
use harness::workspace;
use serde_json::Value;
use tokio::process::Command;

use crate::installations::{RENDERED, files, output, tool, yaml};
use crate::schemas::conform;

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
        let objects = Rendered::parse(&std::fs::read_to_string(&file)?)?;
        let mut objects = objects.of_kind(kind);
        if let Some(object) = objects.find(|it| chart::name(it) == name) {
            return Ok(object.clone());
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
    let all = RENDERED.iter();
    for (_, environment) in all.filter(|(it, _)| it.starts_with("argocd-")) {
        // Argo CD leaves out what only `helm test` runs.
        let synced = environment.objects().filter(|it| {
            let hooks = &it["metadata"]["annotations"];
            hooks["helm.sh/hook"] != "test" || !hooks["argocd.argoproj.io/hook"].is_null()
        });
        rendered.extend(synced.map(kind));
    }
    let project = object("AppProject", "task-pubsub")?;
    assert_eq!(allowed(&project), rendered);

    let mut namespaces = BTreeSet::new();
    for environment in files(&workspace().join("argocd/environments"))? {
        namespaces.insert(yaml(&environment.join("config.yaml"))?["namespace"].to_string());
    }
    let destinations = items(&project["spec"]["destinations"]);
    let destinations: BTreeSet<_> = destinations.map(|it| it["namespace"].to_string()).collect();
    assert_eq!(destinations, namespaces);
    Ok(())
}

#[test]
fn daprs_chart_knows_every_value_and_its_project_every_kind() -> Result<()> {
    let values = &object("Application", "dapr")?["spec"]["source"]["helm"]["valuesObject"];
    let chart = tool("dapr-module").join("charts/dapr");
    let mut known = yaml(&chart.join("values.yaml"))?;
    for subchart in files(&chart.join("charts"))? {
        let name = subchart.file_name().context("no name")?.to_string_lossy();
        known[name.as_ref()] = yaml(&subchart.join("values.yaml"))?;
    }
    let mut unknown = Vec::new();
    compare(values, &known, "", &mut unknown);
    assert!(unknown.is_empty(), "Dapr's chart ignores {unknown:?}");

    let mut helm = Command::new(tool("helm3"));
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
    let version = text(&object["apiVersion"]);
    let group = version.rsplit_once('/').map_or("", |(group, _)| group);
    format!("{group}/{}", text(&object["kind"]))
}

fn allowed(project: &Value) -> BTreeSet<String> {
    let lists = ["clusterResourceWhitelist", "namespaceResourceWhitelist"];
    let kinds = lists.iter().flat_map(|list| items(&project["spec"][list]));
    let kinds = kinds.map(|it| format!("{}/{}", text(&it["group"]), text(&it["kind"])));
    kinds.collect()
}
