//! Renders the chart with the real Helm, and reads what the harness needs to play the cluster.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize as _;
use serde_json::Value;
use tokio::process::Command;

use crate::command;
use crate::deployment::Deployment;

/// Helm needs a fraction of a second; a busy machine more.
const RENDER: Duration = Duration::from_mins(1);

/// Without a cluster to ask, Helm must be told what one with Dapr has.
const API_VERSIONS: [&str; 4] = [
    "dapr.io/v1alpha1/Component",
    "dapr.io/v1alpha1/Configuration",
    "dapr.io/v1alpha1/Resiliency",
    "dapr.io/v2alpha1/Subscription",
];

/// Likewise the version of Kubernetes: a Helm that was built without release flags assumes an ancient one.
pub const KUBE_VERSION: &str = "1.33.0";

/// The chart on disk and the Helm that renders it.
#[derive(Debug, Clone)]
pub struct Chart {
    helm: PathBuf,
    folder: PathBuf,
    release: String,
}

/// One object of the rendered chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Such as `Component`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// The whole object.
    pub object: Value,
}

/// Everything that the chart renders for one set of values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rendered {
    manifests: Vec<Manifest>,
}

impl Chart {
    /// The chart in `folder`, rendered as `release`.
    pub fn new(helm: &Path, folder: PathBuf, release: &str) -> Self {
        Self {
            helm: helm.to_owned(),
            folder,
            release: release.to_owned(),
        }
    }

    /// Renders it with `values` laid over its own `values.yaml`. The error is what Helm says.
    pub async fn render(&self, values: &Value) -> Result<Rendered> {
        let mut helm = Command::new(&self.helm);
        helm.arg("template")
            .arg(&self.release)
            .arg(&self.folder)
            .args(["--values", "-", "--kube-version", KUBE_VERSION]);
        for version in API_VERSIONS {
            helm.args(["--api-versions", version]);
        }
        let yaml = command::output(helm, RENDER, &values.to_string()).await;
        let yaml = yaml.with_context(|| format!("helm cannot render {}", self.folder.display()))?;
        Rendered::parse(&yaml)
    }
}

impl Rendered {
    /// Reads a stream of YAML documents.
    pub fn parse(yaml: &str) -> Result<Self> {
        let mut manifests = Vec::new();
        for document in serde_norway::Deserializer::from_str(yaml) {
            let object = Value::deserialize(document).context("helm rendered invalid YAML")?;
            if object.is_null() {
                continue;
            }
            let text = |pointer: &str| {
                let text = object.pointer(pointer).and_then(Value::as_str);
                text.map(str::to_owned)
                    .with_context(|| format!("no {pointer} in {object}"))
            };
            manifests.push(Manifest {
                kind: text("/kind")?,
                name: text("/metadata/name")?,
                object,
            });
        }
        Ok(Self { manifests })
    }

    /// Every object.
    pub fn objects(&self) -> impl Iterator<Item = &Value> {
        self.manifests.iter().map(|manifest| &manifest.object)
    }

    /// The objects of one kind.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Manifest> {
        self.manifests
            .iter()
            .filter(move |manifest| manifest.kind == kind)
    }

    /// The Deployment whose pods carry this Dapr app-id.
    pub fn deployment_of(&self, app_id: &str) -> Result<Deployment> {
        for manifest in self.of_kind("Deployment") {
            let deployment = Deployment::read(manifest)?;
            if deployment.annotation("app-id") == Some(app_id) {
                return Ok(deployment);
            }
        }
        bail!("the chart renders no Deployment with the app-id {app_id}")
    }
}

/// Lays `overlay` over `base` as Helm does with several values files: maps are merged, all else is replaced, and
/// null removes a key.
pub fn merge(base: &mut Value, overlay: &Value) {
    let Value::Object(overlay) = overlay else {
        base.clone_from(overlay);
        return;
    };
    if !base.is_object() {
        *base = Value::Object(serde_json::Map::new());
    }
    let Value::Object(base) = base else { return };
    for (key, value) in overlay {
        merge(base.entry(key).or_insert(Value::Null), value);
    }
}

/// String values of a map of the object; numbers and booleans as they are written.
pub fn strings(value: Option<&Value>) -> BTreeMap<String, String> {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries
        .map(|(key, value)| (key.clone(), text(value)))
        .collect()
}

/// A scalar as text.
pub fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
