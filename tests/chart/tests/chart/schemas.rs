//! Every field that is rendered is one that upstream knows, by kubeconform.
//!
//! The schemas come from the pinned Go modules: Kubernetes' own API description, and the definitions (CRDs) of everybody else. So a version
//! brings its schemas with it. All are made strict: a field that upstream does not know is an error.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use harness::chart::{Rendered, items, list};
use harness::workspace;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::installations::{RENDERED, files, output, tool};

/// What the schemas of Kubernetes refer to.
const SHARED: &str = "_definitions.json";

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = workspace().join("target/schemas");
    write(&folder).unwrap_or_else(|error| panic!("schemas: {error:#}"));
    folder
});

#[test]
fn kubernetes_dapr_keda_and_prometheus_know_every_field() -> Result<()> {
    let folder = workspace().join("target/rendered");
    std::fs::create_dir_all(&folder)?;
    let mut lists = Vec::new();
    for (name, rendered) in RENDERED.iter() {
        let file = folder.join(format!("{name}.json"));
        std::fs::write(&file, list(rendered.objects()))?;
        lists.push(file);
    }
    conform(&lists)
}

/// Holds the objects in these files against the schemas.
pub(crate) fn conform(files: &[PathBuf]) -> Result<()> {
    let location = "{{ .ResourceKind }}{{ .KindSuffix }}.json";
    let mut kubeconform = Command::new(tool("kubeconform"));
    kubeconform.args(["-strict", "-schema-location"]);
    output(kubeconform.arg(FOLDER.join(location)).args(files), "")?;
    Ok(())
}

/// A file for each kind, named as kubeconform asks for it: `deployment-apps-v1.json`.
fn write(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let document = tool("kubernetes-module").join("api/openapi-spec/swagger.json");
    from_kubernetes(serde_json::from_slice(&std::fs::read(document)?)?, folder)?;
    for crds in [
        tool("dapr-module").join("charts/dapr/crds"),
        tool("keda-module").join("config/crd/bases"),
        tool("prometheus-operator-module").join("example/prometheus-operator-crd"),
        tool("argo-cd-module").join("manifests/crds"),
    ] {
        for file in files(&crds)? {
            let text = std::fs::read_to_string(&file)?;
            for crd in Rendered::parse(&text)?.objects() {
                from_crd(crd, folder)?;
            }
        }
    }
    Ok(())
}

fn from_kubernetes(mut document: Value, folder: &Path) -> Result<()> {
    let mut definitions = document["definitions"].take();
    for (name, definition) in definitions.as_object_mut().context("no definitions")? {
        strict(definition);
        if name.ends_with(".IntOrString") || name.ends_with(".resource.Quantity") {
            *definition = json!({"type": ["string", "number"]});
        }
        // Kinds of every API group (DeleteOptions and the like) are not objects that charts render.
        let kinds = definition["x-kubernetes-group-version-kind"].as_array();
        if let Some([kind]) = kinds.map(Vec::as_slice) {
            let schema = json!({"$ref": format!("{SHARED}#/definitions/{name}")});
            let [group, version] = [&kind["group"], &kind["version"]];
            save(folder, &kind["kind"], group, version, &schema)?;
        }
    }
    let shared = json!({"definitions": definitions});
    Ok(std::fs::write(folder.join(SHARED), shared.to_string())?)
}

fn from_crd(crd: &Value, folder: &Path) -> Result<()> {
    let spec = &crd["spec"];
    for version in items(&spec["versions"]) {
        let mut schema = version["schema"]["openAPIV3Schema"].clone();
        strict(&mut schema);
        // The API server checks metadata by rules of its own.
        schema["properties"]["metadata"] = json!({"type": "object"});
        let (kind, group) = (&spec["names"]["kind"], &spec["group"]);
        save(folder, kind, group, &version["name"], &schema)?;
    }
    Ok(())
}

fn save(folder: &Path, kind: &Value, group: &Value, version: &Value, schema: &Value) -> Result<()> {
    let [kind, group, version] = [kind, group, version].map(|it| it.as_str().unwrap_or_default());
    let group = group.split('.').next().unwrap_or_default();
    let name = format!("{kind}-{group}-{version}.json").replace("--", "-");
    let name = name.to_lowercase();
    Ok(std::fs::write(folder.join(name), schema.to_string())?)
}

/// Forbids unknown fields wherever fields are listed.
fn strict(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let open = object.contains_key("additionalProperties")
                || object.contains_key("x-kubernetes-preserve-unknown-fields");
            if object.get("properties").is_some_and(Value::is_object) && !open {
                object.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            object.values_mut().for_each(strict);
        }
        Value::Array(items) => items.iter_mut().for_each(strict),
        _ => {}
    }
}
