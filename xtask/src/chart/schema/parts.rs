//! The parts in `schema/`, joined.
//!
//! | file | becomes |
//! |---|---|
//! | `root.json` | what is true of the values as a whole |
//! | `values/*.json` | the top-level keys |
//! | `definitions.json`, `service.json` | definitions |
//! | `brokers/TYPE.json` | a definition each, and what an entry of that type must be |
//! | `brokers/generic.json` | what an entry of any other type must be |

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};

use crate::chart::files::listed;

/// What an entry of `brokers` is whose type has no part of its own.
const GENERIC: &str = "generic";

/// The broker types that have a part, each with the name of its definition.
#[derive(Debug)]
pub(super) struct Brokers(BTreeMap<String, String>);

impl Brokers {
    /// The definition of a type.
    pub(super) fn definition(&self, kind: &str) -> String {
        self.0
            .get(kind)
            .map_or_else(|| definition(GENERIC), Clone::clone)
    }

    /// Types and their definitions.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(kind, name)| (kind.as_str(), name.as_str()))
    }
}

/// The whole schema, without what `values.yaml` says.
pub(super) fn join(folder: &Path) -> Result<(Value, Brokers)> {
    let mut schema = part(&folder.join("root.json"))?;
    let mut properties = Map::new();
    for path in listed(&folder.join("values"), "json")? {
        for (key, value) in object(&path)? {
            ensure!(
                properties.insert(key.clone(), value).is_none(),
                "schema/values: `{key}` is in two files"
            );
        }
    }
    let mut definitions = object(&folder.join("definitions.json"))?;
    definitions.insert("service".to_owned(), part(&folder.join("service.json"))?);
    let mut brokers = BTreeMap::new();
    for path in listed(&folder.join("brokers"), "json")? {
        let kind = path.file_stem().unwrap_or_default().to_string_lossy();
        let name = definition(&kind);
        let part = part(&path)?;
        if kind != GENERIC {
            let constant = &part["properties"]["type"]["const"];
            ensure!(
                *constant == *kind,
                "schema/brokers/{kind}.json is about {constant}"
            );
            brokers.insert(kind.into_owned(), name.clone());
        }
        definitions.insert(name, part);
    }
    definitions.insert("broker".to_owned(), by_type(&brokers));
    schema["properties"] = properties.into();
    schema["definitions"] = definitions.into();
    Ok((schema, Brokers(brokers)))
}

/// The definition of any entry: its type says which one applies.
fn by_type(brokers: &BTreeMap<String, String>) -> Value {
    let rule = |kind: Value, definition: &str| {
        let then = format!("#/definitions/{definition}");
        json!({"if": {"properties": {"type": kind}}, "then": {"$ref": then}})
    };
    let known: Vec<_> = brokers.keys().collect();
    let mut rules: Vec<_> = brokers
        .iter()
        .map(|(kind, name)| rule(json!({"const": kind}), name))
        .collect();
    rules.push(rule(json!({"not": {"enum": known}}), &definition(GENERIC)));
    json!({"type": "object", "required": ["type"], "allOf": rules})
}

/// `azure.servicebus.topics` becomes `azureServicebusTopicsBroker`.
fn definition(kind: &str) -> String {
    let mut name = String::new();
    for (index, word) in kind.split('.').enumerate() {
        let (first, rest) = word.split_at(word.len().min(1));
        let first = if index == 0 {
            first.to_owned()
        } else {
            first.to_ascii_uppercase()
        };
        name.push_str(&first);
        name.push_str(rest);
    }
    name + "Broker"
}

fn part(path: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

fn object(path: &Path) -> Result<Map<String, Value>> {
    match part(path)? {
        Value::Object(map) => Ok(map),
        other => anyhow::bail!("{}: {other} is no object", path.display()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn definitions_are_named_after_types() {
        assert_eq!(super::definition("redis"), "redisBroker");
        assert_eq!(super::definition("aws.snssqs"), "awsSnssqsBroker");
    }
}
