//! JSON schemas for kubeconform, made from what upstream ships: Kubernetes' own API description, and the CRDs of Dapr, KEDA
//! and Prometheus Operator.
//!
//! They come from the pinned Go modules, so no network address of a schema collection is needed, and a Dapr version brings
//! its schemas with it. Both are made strict: a field that upstream does not know is an error.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

const PREFIX: &str = "#/definitions/";

/// Writes the schemas of every kind into `folder`, named as kubeconform asks for them: `deployment-apps-v1.json`. `crds` are
/// folders of CRDs.
pub(super) fn write(kubernetes: &Path, crds: &[PathBuf], folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    from_kubernetes(&kubernetes.join("api/openapi-spec/swagger.json"), folder)?;
    write_crds(crds, folder)
}

/// The same for nothing but CRDs.
pub(super) fn write_crds(crds: &[PathBuf], folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    crds.iter().try_for_each(|crds| from_crds(crds, folder))
}

fn from_kubernetes(document: &Path, folder: &Path) -> Result<()> {
    let text = std::fs::read(document).with_context(|| document.display().to_string())?;
    let mut document: Value = serde_json::from_slice(&text)?;
    let definitions = document["definitions"]
        .as_object_mut()
        .context("no definitions")?;
    for (name, definition) in definitions.iter_mut() {
        strict(definition);
        if name.ends_with(".IntOrString") || name.ends_with(".resource.Quantity") {
            *definition = json!({"type": ["string", "number"]});
        }
    }
    for (name, definition) in definitions.iter() {
        let kinds = definition["x-kubernetes-group-version-kind"].as_array();
        // Kinds of every API group (DeleteOptions and the like) are not objects that charts render.
        let Some([kind]) = kinds.map(Vec::as_slice) else {
            continue;
        };
        let reachable = reachable(name, definitions);
        let needed: Map<_, _> = definitions
            .iter()
            .filter(|(name, _)| reachable.contains(*name))
            .map(|(name, it)| (name.clone(), it.clone()))
            .collect();
        let schema = json!({"$ref": format!("{PREFIX}{name}"), "definitions": needed});
        let text = |field: &str| kind[field].as_str().unwrap_or_default();
        save(
            folder,
            text("kind"),
            text("group"),
            text("version"),
            &schema,
        )?;
    }
    Ok(())
}

fn from_crds(crds: &Path, folder: &Path) -> Result<()> {
    for file in std::fs::read_dir(crds).with_context(|| crds.display().to_string())? {
        let text = std::fs::read_to_string(file?.path())?;
        for document in serde_norway::Deserializer::from_str(&text) {
            let crd = Value::deserialize(document)?;
            let Some(versions) = crd["spec"]["versions"].as_array() else {
                continue;
            };
            let (kind, group) = (&crd["spec"]["names"]["kind"], &crd["spec"]["group"]);
            for version in versions {
                let mut schema = version["schema"]["openAPIV3Schema"].clone();
                strict(&mut schema);
                // The API server checks metadata by rules of its own.
                schema["properties"]["metadata"] = json!({"type": "object"});
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                save(
                    folder,
                    &text(kind),
                    &text(group),
                    &text(&version["name"]),
                    &schema,
                )?;
            }
        }
    }
    Ok(())
}

fn save(folder: &Path, kind: &str, group: &str, version: &str, schema: &Value) -> Result<()> {
    let group = group.split('.').next().filter(|group| !group.is_empty());
    let name = [Some(kind), group, Some(version)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("-")
        .to_lowercase();
    Ok(std::fs::write(
        folder.join(name + ".json"),
        serde_json::to_vec(schema)?,
    )?)
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

fn reachable(name: &str, definitions: &Map<String, Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(name) = open.pop() {
        if let Some(definition) = definitions
            .get(&name)
            .filter(|_| found.insert(name.clone()))
        {
            references(definition, &mut open);
        }
    }
    found
}

fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            let reference = object.get("$ref").and_then(Value::as_str);
            found.extend(
                reference
                    .and_then(|it| it.strip_prefix(PREFIX))
                    .map(str::to_owned),
            );
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}
