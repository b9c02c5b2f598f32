//! Renders the chart with the real Helm, and reads what the harness needs to play the cluster.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::deployment::Deployment;
use crate::{command, workspace};

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

/// The release's name, wherever it is installed.
pub const RELEASE: &str = "task-pubsub";

/// The chart of this working copy, from its root.
pub const CHART: &str = "charts/task-pubsub";

/// The same wherever one is.
pub fn folder() -> PathBuf {
    workspace().join(CHART)
}

/// Everything that the chart renders for one set of values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rendered(Vec<Value>);

/// Renders the chart with this Helm and `values` laid over its own `values.yaml`. The error is what Helm says.
pub async fn render(helm: &Path, values: &Value) -> Result<Rendered> {
    let mut helm = Command::new(helm);
    helm.args(["template", RELEASE]).arg(folder());
    helm.args(["--values", "-", "--kube-version", KUBE_VERSION]);
    for version in API_VERSIONS {
        helm.args(["--api-versions", version]);
    }
    let yaml = command::output(&mut helm, RENDER, &values.to_string()).await;
    Rendered::parse(&yaml.context("helm cannot render the chart")?)
}

impl Rendered {
    /// Reads a stream of YAML documents.
    pub fn parse(yaml: &str) -> Result<Self> {
        let documents = serde_norway::Deserializer::from_str(yaml).map(Value::deserialize);
        let objects: Result<Vec<_>, _> = documents.collect();
        let mut objects = objects.context("invalid YAML")?;
        objects.retain(|object| !object.is_null());
        Ok(Self(objects))
    }

    /// Every object.
    pub fn objects(&self) -> impl Iterator<Item = &Value> {
        self.0.iter()
    }

    /// The objects of one kind.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.objects().filter(move |object| object["kind"] == kind)
    }

    /// The Deployment whose pods carry this Dapr app-id.
    pub fn deployment_of(&self, app_id: &str) -> Result<Deployment> {
        for object in self.of_kind("Deployment") {
            let deployment = Deployment::read(object)?;
            if deployment.annotation("app-id") == Some(app_id) {
                return Ok(deployment);
            }
        }
        bail!("the chart renders no Deployment with the app-id {app_id}")
    }
}

/// `metadata.name` of an object.
pub fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// The objects as `kubectl` and its like take them.
pub fn list<'a>(objects: impl IntoIterator<Item = &'a Value>) -> String {
    let items: Vec<_> = objects.into_iter().collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

/// What is in a list; nothing where there is none.
pub fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
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

/// A scalar as text.
pub fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
