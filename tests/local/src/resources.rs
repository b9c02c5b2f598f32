//! Plays the API server: two folders with the rendered Dapr objects, shared by all sidecars.
//!
//! daprd watches the resources folder and re-reads all of it on any event, so a file must never be seen half
//! written: it is written next door and renamed in. It loads only names that end in `.yaml` or `.yml`
//! (dapr/dapr: pkg/internal/loader/disk/dirdata), honours `scopes` per app-id (pkg/internal/loader/disk/disk.go),
//! and ignores namespaces as long as `NAMESPACE` is not set.
//!
//! Configurations live in a folder of their own. Outside Kubernetes daprd takes them from `--config` and never
//! records them as loaded (pkg/runtime/config.go), so one in the watched folder would look new on every event and
//! restart the runtime each time (pkg/runtime/hotreload/reconciler/sighup.go).

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use harness::chart::{Manifest, Rendered};

/// In the order in which they are written; what is gone is removed in the reverse order, so that no Subscription
/// ever refers to a Component that is not there.
const KINDS: [&str; 4] = ["Configuration", "Resiliency", "Component", "Subscription"];

/// The folders.
#[derive(Debug)]
pub struct Resources {
    watched: PathBuf,
    configurations: PathBuf,
    staging: PathBuf,
    /// Content by file name, as it was written.
    applied: BTreeMap<String, String>,
}

impl Resources {
    /// Creates the folders below `folder`, with nothing in them but the Secrets: keys and values by name.
    pub fn create(folder: &Path, secrets: &Value) -> Result<Self> {
        let [watched, configurations, staging] =
            ["resources", "configurations", "staging"].map(|name| folder.join(name));
        for folder in [&watched, &configurations, &staging] {
            fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        }
        if secrets
            .as_object()
            .is_some_and(|secrets| !secrets.is_empty())
        {
            write_secrets(secrets, folder, &watched)?;
        }
        Ok(Self {
            watched,
            configurations,
            staging,
            applied: BTreeMap::new(),
        })
    }

    /// What `--resources-path` names.
    pub fn folder(&self) -> &Path {
        &self.watched
    }

    /// The file of a Configuration, for `--config`.
    pub fn configuration(&self, name: &str) -> Result<PathBuf> {
        let file = self.configurations.join(file_name("Configuration", name));
        ensure!(
            file.exists(),
            "the chart renders no Configuration named {name}"
        );
        Ok(file)
    }

    /// Writes new and changed objects, and returns a line for each. Unchanged ones are not touched: their sidecars must see no event.
    /// Objects that are gone stay until [`Resources::prune`], as with Argo CD's `PruneLast`.
    pub fn apply(&mut self, rendered: &Rendered) -> Result<Vec<String>> {
        let mut changes = Vec::new();
        for kind in KINDS {
            for manifest in rendered.of_kind(kind) {
                let (file, content) = (file_name(kind, &manifest.name), content(manifest)?);
                let action = match self.applied.get(&file) {
                    Some(applied) if *applied == content => continue,
                    Some(_) => "changed",
                    None => "created",
                };
                self.write(kind, &file, &content)?;
                self.applied.insert(file, content);
                changes.push(format!("{kind}/{} {action}", manifest.name));
            }
        }
        Ok(changes)
    }

    /// Removes the objects that are not rendered any more, and returns a line for each.
    pub fn prune(&mut self, rendered: &Rendered) -> Result<Vec<String>> {
        let mut changes = Vec::new();
        for kind in KINDS.iter().rev() {
            let wanted = rendered.of_kind(kind).map(|it| file_name(kind, &it.name));
            let wanted: Vec<_> = wanted.collect();
            let prefix = format!("{}.", kind.to_lowercase());
            let gone = |file: &&String| file.starts_with(&prefix) && !wanted.contains(file);
            let gone: Vec<_> = self.applied.keys().filter(gone).cloned().collect();
            for file in gone {
                fs::remove_file(self.place(kind).join(&file)).with_context(|| file.clone())?;
                self.applied.remove(&file);
                let name = file.trim_start_matches(&prefix).trim_end_matches(".yaml");
                changes.push(format!("{kind}/{name} removed"));
            }
        }
        Ok(changes)
    }

    fn write(&self, kind: &str, file: &str, content: &str) -> Result<()> {
        let (draft, place) = (self.staging.join(file), self.place(kind).join(file));
        fs::write(&draft, content).with_context(|| format!("{}", draft.display()))?;
        fs::rename(&draft, &place).with_context(|| format!("{}", place.display()))
    }

    fn place(&self, kind: &str) -> &Path {
        if kind == "Configuration" {
            &self.configurations
        } else {
            &self.watched
        }
    }
}

fn file_name(kind: &str, name: &str) -> String {
    format!("{}.{name}.yaml", kind.to_lowercase())
}

fn content(manifest: &Manifest) -> Result<String> {
    Ok(serde_norway::to_string(&resolved(&manifest.object))?)
}

/// As Dapr calls the store of Kubernetes, which it takes where a Component names none.
const STORE: &str = "kubernetes";

/// Writes the Secrets, and the Component of the store that has them into the folder of the sidecars' resources.
fn write_secrets(secrets: &Value, folder: &Path, watched: &Path) -> Result<()> {
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
fn resolved(object: &Value) -> Value {
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

    fn rendered(brokers: &[&str], queue_depth: u32) -> Rendered {
        let documents = brokers.iter().map(|name| {
            format!(
                "---\nkind: Component\nmetadata: {{name: pubsub-{name}}}\nspec: {queue_depth}\n\
                 ---\nkind: Subscription\nmetadata: {{name: task-worker-{name}}}\n"
            )
        });
        let configuration = "---\nkind: Configuration\nmetadata: {name: tracing}\n".to_owned();
        Rendered::parse(&documents.chain([configuration]).collect::<String>()).unwrap()
    }

    #[test]
    fn touches_only_what_changed_and_removes_subscriptions_before_components() {
        let root = std::env::temp_dir().join(format!("resources-{:08x}", rand::random::<u32>()));
        let mut resources = Resources::create(&root, &Value::Null).unwrap();
        assert_eq!(resources.apply(&rendered(&["redis"], 1)).unwrap().len(), 3);
        assert!(resources.configuration("tracing").is_ok());
        assert!(
            resources
                .apply(&rendered(&["redis"], 1))
                .unwrap()
                .is_empty()
        );

        let mut sync = |rendered: &Rendered| -> Vec<String> {
            let new = resources.apply(rendered).unwrap();
            [new, resources.prune(rendered).unwrap()].concat()
        };
        let added = sync(&rendered(&["redis", "kafka"], 1));
        assert_eq!(
            added,
            [
                "Component/pubsub-kafka created",
                "Subscription/task-worker-kafka created"
            ]
        );
        let removed = sync(&rendered(&["kafka"], 2));
        let expected = [
            "Component/pubsub-kafka changed",
            "Subscription/task-worker-redis removed",
            "Component/pubsub-redis removed",
        ];
        assert_eq!(removed, expected);
        assert_eq!(fs::read_dir(resources.folder()).unwrap().count(), 2);
        fs::remove_dir_all(&root).unwrap();
    }
}
