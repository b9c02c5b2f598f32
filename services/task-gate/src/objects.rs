//! Dapr's objects, as far as they matter here.

mod files;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

pub(crate) use files::read;

/// The label that names the entry of `brokers` that a Component was made of.
const BROKER: &str = "task-pubsub/broker";

/// What stands somewhere: in the cluster, in files, in the plan.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Objects {
    pub(crate) components: Vec<Component>,
    pub(crate) subscriptions: Vec<Subscription>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct ObjectMeta {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default, rename = "creationTimestamp")]
    pub(crate) creation_timestamp: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Component {
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: ComponentSpec,
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    #[serde(default)]
    pub(crate) auth: Auth,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ComponentSpec {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) metadata: Vec<Item>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Auth {
    #[serde(default, rename = "secretStore")]
    pub(crate) secret_store: String,
}

/// One item of a Component's metadata.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item {
    pub(crate) name: String,
    #[serde(default, deserialize_with = "as_text")]
    pub(crate) value: String,
    #[serde(default)]
    pub(crate) secret_key_ref: Option<SecretKeyRef>,
    #[serde(default)]
    pub(crate) env_ref: Option<String>,
}

#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
pub(crate) struct SecretKeyRef {
    pub(crate) name: String,
    #[serde(default)]
    key: String,
}

impl SecretKeyRef {
    /// Without a key Dapr reads the one that is called as the Secret is.
    pub(crate) fn key(&self) -> &str {
        if self.key.is_empty() {
            &self.name
        } else {
            &self.key
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: SubscriptionSpec,
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubscriptionSpec {
    pub(crate) topic: String,
    pub(crate) pubsubname: String,
    #[serde(default)]
    pub(crate) dead_letter_topic: String,
    #[serde(default)]
    pub(crate) metadata: BTreeMap<String, String>,
}

impl Component {
    pub(crate) fn name(&self) -> &str {
        &self.metadata.name
    }

    pub(crate) fn is_pubsub(&self) -> bool {
        self.spec.kind.starts_with("pubsub.")
    }

    /// The entry of `brokers` that it was made of; a Component of somebody else has its own name only.
    pub(crate) fn broker(&self) -> &str {
        let label = self.metadata.labels.get(BROKER);
        label.map_or(self.name(), String::as_str)
    }

    /// Whether the sidecar of `app` loads it.
    pub(crate) fn is_for(&self, app: &str) -> bool {
        self.scopes.is_empty() || self.scopes.iter().any(|scope| scope == app)
    }
}

impl Objects {
    pub(crate) fn pubsubs(&self) -> impl Iterator<Item = &Component> {
        self.components.iter().filter(|one| one.is_pubsub())
    }

    pub(crate) fn pubsub(&self, name: &str) -> Option<&Component> {
        self.pubsubs().find(|one| one.name() == name)
    }

    /// Leaves the Components of these apps, and the Subscriptions to them; all, where no app is named.
    pub(crate) fn retain_of(&mut self, apps: &[String]) {
        if apps.is_empty() {
            return;
        }
        self.components
            .retain(|one| apps.iter().any(|app| one.is_for(app)));
        let names: Vec<_> = self
            .components
            .iter()
            .map(|one| one.name().to_owned())
            .collect();
        self.subscriptions
            .retain(|one| names.contains(&one.spec.pubsubname));
    }

    /// Takes in an object, or all of a list; what is neither Component nor Subscription of Dapr is left out.
    ///
    /// # Errors
    /// What an object of these kinds lacks.
    pub(crate) fn add(&mut self, object: Value) -> Result<(), String> {
        if let Some(Value::Array(items)) = object.get("items") {
            return items.iter().try_for_each(|item| self.add(item.clone()));
        }
        let text = |key| object.get(key).and_then(Value::as_str).unwrap_or_default();
        if !text("apiVersion").starts_with("dapr.io/") {
            return Ok(());
        }
        match text("kind") {
            "Component" => self.components.push(typed("Component", object)?),
            "Subscription" => self.subscriptions.push(typed("Subscription", object)?),
            _ => {}
        }
        Ok(())
    }
}

fn typed<T: for<'de> Deserialize<'de>>(kind: &str, object: Value) -> Result<T, String> {
    let name = object["metadata"]["name"]
        .as_str()
        .unwrap_or("without a name")
        .to_owned();
    serde_json::from_value(object).map_err(|error| format!("{kind} {name}: {error}"))
}

/// Dapr takes any JSON for a value and hands its text to the component.
fn as_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    })
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// Objects from YAML, as a manifest has them.
    pub(crate) fn objects(yaml: &str) -> Objects {
        let mut objects = Objects::default();
        files::add_text(&mut objects, yaml).unwrap();
        objects
    }

    /// A Component with scopes for everybody.
    pub(crate) fn component(name: &str, kind: &str, items: &[(&str, &str)]) -> Component {
        let items: Vec<Value> = items
            .iter()
            .map(|(name, value)| match value.strip_prefix("secret:") {
                Some(key) => {
                    serde_json::json!({"name": name, "secretKeyRef": {"name": "login", "key": key}})
                }
                None => serde_json::json!({"name": name, "value": value}),
            })
            .collect();
        let broker = name.strip_prefix("pubsub-").unwrap_or(name);
        serde_json::from_value(serde_json::json!({
            "metadata": {"name": name, "labels": {BROKER: broker}},
            "spec": {"type": kind, "metadata": items},
        }))
        .unwrap()
    }

    /// A Subscription.
    pub(crate) fn subscription(
        name: &str,
        pubsub: &str,
        topic: &str,
        apps: &[&str],
    ) -> Subscription {
        serde_json::from_value(serde_json::json!({
            "metadata": {"name": name},
            "spec": {"topic": topic, "pubsubname": pubsub, "deadLetterTopic": format!("{topic}-dead-letter")},
            "scopes": apps,
        }))
        .unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::objects;

    #[test]
    fn documents_and_lists_are_read_and_other_kinds_left_out() {
        let objects = objects(
            "---\n---\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\n---\n\
             {kind: List, apiVersion: v1, items: [{kind: Component, apiVersion: dapr.io/v1alpha1, metadata: {name: pubsub-redis}, \
             spec: {type: pubsub.redis, version: v1, metadata: [{name: redisDB, value: 2}, {name: enableTLS, value: true}]}}]}\n---\n\
             kind: Subscription\napiVersion: dapr.io/v2alpha1\nmetadata: {name: s}\nspec: {topic: t, pubsubname: pubsub-redis, routes: {default: /x}}\nscopes: [w]\n",
        );
        let items = &objects.components[0].spec.metadata;
        assert_eq!(
            (items[0].value.as_str(), items[1].value.as_str()),
            ("2", "true")
        );
        assert_eq!(objects.subscriptions[0].scopes, ["w"]);
    }

    #[test]
    fn an_object_that_lacks_something_is_named() {
        let mut all = super::Objects::default();
        let error = all
            .add(serde_json::json!({"kind": "Component", "apiVersion": "dapr.io/v1alpha1", "metadata": {"name": "x"}}))
            .unwrap_err();
        assert!(
            error.starts_with("Component x: missing field `spec`"),
            "{error}"
        );
    }
}
