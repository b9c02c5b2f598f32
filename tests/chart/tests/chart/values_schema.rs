//! `values.schema.json` is closed: it is edited by hand, and what it forgets to forbid would be ignored without a word.

use anyhow::Result;
use harness::chart::folder;
use serde_json::Value;

use crate::installations::yaml;

/// What says which values are allowed.
const LIMITS: [&str; 7] = ["$ref", "allOf", "anyOf", "const", "enum", "oneOf", "type"];

/// A parent chart has keys of its own there; the others are Kubernetes' own, and its schema judges what is rendered.
const OPEN: [&str; 5] = [
    "/properties/global",
    "/definitions/containers/items",
    "/definitions/service/properties/extraEnv/items",
    "/definitions/service/properties/extraVolumes/items",
    "/definitions/service/properties/extraVolumeMounts/items",
];

#[test]
fn every_object_is_closed_and_every_key_has_a_type() -> Result<()> {
    let schema = yaml(&folder().join("values.schema.json"))?;
    let mut holes = Vec::new();
    judge(&schema, "", &mut holes);
    for (name, definition) in schema["definitions"].as_object().into_iter().flatten() {
        judge(definition, &format!("/definitions/{name}"), &mut holes);
    }
    assert!(holes.is_empty(), "{}", holes.join("\n"));
    Ok(())
}

fn judge(schema: &Value, path: &str, holes: &mut Vec<String>) {
    if !LIMITS.iter().any(|it| schema.get(it).is_some()) {
        holes.push(format!("{path}: takes anything"));
    }
    if schema.get("allOf").is_some() {
        // What it refers to is judged where it is; what is said beside that only narrows it.
        return;
    }
    let properties = schema["properties"].as_object();
    if properties.is_some() && schema["additionalProperties"].is_null() && !OPEN.contains(&path) {
        holes.push(format!("{path}: takes keys of any name"));
    }
    for (key, schema) in properties.into_iter().flatten() {
        judge(schema, &format!("{path}/properties/{key}"), holes);
    }
    for inner in ["additionalProperties", "items"] {
        if schema[inner].is_object() {
            judge(&schema[inner], &format!("{path}/{inner}"), holes);
        }
    }
}
