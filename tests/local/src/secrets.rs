//! Plays Kubernetes' Secrets: outside of a cluster daprd reads them from a file, through a secret store component.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// As Dapr calls the store of Kubernetes, which it takes where a Component names none.
const STORE: &str = "kubernetes";

/// Writes the Secrets, and the Component of the store that has them into the folder of the sidecars' resources.
pub(super) fn write(secrets: &Value, folder: &Path, watched: &Path) -> Result<()> {
    let file = folder.join("secrets.json");
    let store = json!({
        "apiVersion": "dapr.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": STORE},
        "spec": {
            "type": "secretstores.local.file",
            "version": "v1",
            "metadata": [
                {"name": "secretsFile", "value": file},
                // Otherwise names and keys would become one name.
                {"name": "multiValued", "value": "true"},
            ],
        },
    });
    let store = serde_norway::to_string(&store)?;
    fs::write(&file, secrets.to_string())
        .and_then(|()| fs::write(watched.join(format!("component.{STORE}.yaml")), store))
        .context("cannot write the secrets of the stack")
}

/// The object as daprd understands it outside of a cluster: what refers to a Secret names the store.
pub(super) fn resolved(object: &Value) -> Value {
    let mut object = object.clone();
    let items = object.pointer("/spec/metadata").and_then(Value::as_array);
    let refers = |item: &Value| item.get("secretKeyRef").is_some();
    if items.is_some_and(|items| items.iter().any(refers)) {
        object["auth"] = json!({"secretStore": STORE});
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_refers_to_a_secret_names_the_store() {
        let plain = json!({"spec": {"metadata": [{"name": "host", "value": "x"}]}});
        assert_eq!(resolved(&plain), plain);
        let reference =
            json!({"name": "password", "secretKeyRef": {"name": "user", "key": "password"}});
        let secret = json!({"spec": {"metadata": [reference]}});
        assert_eq!(resolved(&secret)["auth"]["secretStore"], "kubernetes");
    }
}
