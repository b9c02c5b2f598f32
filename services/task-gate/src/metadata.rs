//! A Component's metadata as the sidecar of one app sees it.
//!
//! As daprd 1.18.3 does it: names are found in any case, Secrets are put in, then `{namespace}` becomes `<namespace>.<app-id>` and
//! `{appID}` the app-id (`pkg/runtime/meta/meta.go`). An item that cannot be known is an error only for who asks for it: a broker
//! can be asked without its schema registry's password.

use std::collections::HashMap;

use crate::objects::{Component, Item};
use crate::secrets::Secrets;

/// The values of one Component for one app.
#[derive(Debug)]
pub(crate) struct Metadata {
    values: HashMap<String, Result<String, String>>,
    app: String,
    /// daprd puts the namespace in front of every topic when any value asks for the namespace.
    topic_prefix: String,
}

impl Metadata {
    pub(crate) fn new(
        component: &Component,
        app: &str,
        namespace: &str,
        secrets: &Secrets,
    ) -> Self {
        let mut values = HashMap::new();
        let mut scoped = false;
        for item in &component.spec.metadata {
            let raw = raw(component, item, secrets);
            scoped |= raw.as_ref().is_ok_and(|raw| raw.contains("{namespace}"));
            let value = raw.and_then(|raw| fill(&item.name, &raw, app, namespace));
            values.insert(item.name.to_lowercase(), value);
        }
        Self {
            values,
            app: app.to_owned(),
            topic_prefix: if scoped {
                namespace.to_owned()
            } else {
                String::new()
            },
        }
    }

    /// The value of the item; an empty one is none.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&str>, String> {
        match self.values.get(&name.to_lowercase()) {
            Some(Ok(value)) => Ok(Some(value.as_str()).filter(|value| !value.is_empty())),
            Some(Err(reason)) => Err(reason.clone()),
            None => Ok(None),
        }
    }

    /// The value, or an empty text.
    pub(crate) fn text(&self, name: &str) -> Result<&str, String> {
        Ok(self.get(name)?.unwrap_or_default())
    }

    /// Whether the value is one of those that Dapr takes for true.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, String> {
        let value = self.text(name)?.trim().to_lowercase();
        Ok(matches!(
            value.as_str(),
            "y" | "yes" | "true" | "t" | "on" | "1"
        ))
    }

    /// Who reads: `consumerID`, by default the app.
    pub(crate) fn consumer(&self) -> Result<&str, String> {
        let own = self.text("consumerID")?.trim();
        Ok(if own.is_empty() { &self.app } else { own })
    }

    /// What a topic is called on the broker.
    pub(crate) fn topic(&self, topic: &str) -> String {
        format!("{}{topic}", self.topic_prefix)
    }
}

fn raw(component: &Component, item: &Item, secrets: &Secrets) -> Result<String, String> {
    if let Some(name) = &item.env_ref {
        return Err(format!(
            "{} of {} is in the variable {name} of sidecars, which only they can see",
            item.name,
            component.name()
        ));
    }
    match &item.secret_key_ref {
        Some(reference) => secrets.value(component, item, reference),
        None => Ok(item.value.clone()),
    }
}

fn fill(name: &str, raw: &str, app: &str, namespace: &str) -> Result<String, String> {
    for placeholder in ["{podName}", "{uuid}"] {
        if raw.contains(placeholder) {
            return Err(format!(
                "{name} is {raw}: it is another for every pod, and which pods there were cannot be known"
            ));
        }
    }
    Ok(raw
        .replace("{namespace}", &format!("{namespace}.{app}"))
        .replace("{appID}", app))
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::objects::testing::component;

    /// Of a Component of this type, for the app `worker` of the namespace `shop`, without Secrets.
    pub(crate) fn metadata(kind: &str, items: &[(&str, &str)]) -> Metadata {
        let component = component(&kind.replace('.', "-"), kind, items);
        let secrets = Secrets::new("/nowhere".into());
        Metadata::new(&component, "worker", "shop", &secrets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(items: &[(&str, &str)]) -> Metadata {
        testing::metadata("pubsub.kafka", items)
    }

    #[test]
    fn names_are_found_in_any_case_and_templates_filled() {
        let metadata = metadata(&[
            ("ConsumerGroup", "g-{appID}"),
            ("DISABLETLS", " Yes"),
            ("x", "{namespace}"),
        ]);
        assert_eq!(metadata.get("consumergroup").unwrap(), Some("g-worker"));
        assert!(metadata.flag("disableTls").unwrap());
        assert_eq!(metadata.text("x").unwrap(), "shop.worker");
        assert_eq!(metadata.topic("orders"), "shoporders");
    }

    #[test]
    fn the_consumer_is_the_app_unless_it_says_otherwise() {
        assert_eq!(metadata(&[]).consumer().unwrap(), "worker");
        assert_eq!(
            metadata(&[("consumerID", "  ")]).consumer().unwrap(),
            "worker"
        );
        assert_eq!(
            metadata(&[("consumerID", " shop-{appID} ")])
                .consumer()
                .unwrap(),
            "shop-worker"
        );
        assert_eq!(metadata(&[]).topic("orders"), "orders");
    }

    #[test]
    fn what_is_another_for_every_pod_is_unknown_to_who_asks() {
        let metadata = metadata(&[("consumerID", "{podName}"), ("brokers", "kafka:9092")]);
        assert_eq!(metadata.text("brokers").unwrap(), "kafka:9092");
        assert!(
            metadata
                .consumer()
                .unwrap_err()
                .contains("consumerID is {podName}")
        );
    }

    #[test]
    fn a_secret_that_is_not_there_names_itself() {
        let reason = metadata(&[("saslPassword", "secret:password")])
            .text("saslPassword")
            .unwrap_err();
        assert_eq!(
            reason,
            "Secret \"login\" is missing (pubsub-kafka needs its key \"password\" as saslPassword)"
        );
    }
}
