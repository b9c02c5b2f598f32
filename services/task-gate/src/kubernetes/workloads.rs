//! What runs, or shall: its environment says what it publishes to and reads from.

use serde_json::Value;

/// The pods of a Deployment, or one pod.
#[derive(Debug, Clone, Default)]
pub(crate) struct Workload {
    pub(crate) name: String,
    /// Its name for Dapr.
    pub(crate) app_id: Option<String>,
    /// As the API writes it.
    pub(crate) created: String,
    /// Of a Deployment and its `ReplicaSets`.
    pub(crate) revision: String,
    /// A pod that is; a Deployment whose last change has come to its end.
    pub(crate) ready: bool,
    env: Vec<(String, String)>,
}

/// A pod that has not ended.
pub(crate) type Pod = Workload;

impl Workload {
    /// Of a Deployment or a `ReplicaSet`.
    pub(super) fn of_template(object: &Value) -> Self {
        Self::new(object, &object["spec"]["template"])
    }

    /// `None`: it has ended.
    pub(super) fn running(object: &Value) -> Option<Self> {
        match object["status"]["phase"].as_str() {
            Some("Succeeded" | "Failed") => None,
            _ => Some(Self::new(object, object)),
        }
    }

    fn new(object: &Value, pod: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
        let env = containers
            .flat_map(|container| container["env"].as_array().into_iter().flatten())
            .filter_map(|variable| Some((text(&variable["name"])?, text(&variable["value"])?)))
            .collect();
        let metadata = &object["metadata"];
        let conditions = object["status"]["conditions"].as_array();
        let ready = conditions.into_iter().flatten().any(|it| {
            it["type"] == "Ready" && it["status"] == "True"
                || it["reason"] == "NewReplicaSetAvailable"
        });
        Self {
            created: text(&metadata["creationTimestamp"]).unwrap_or_default(),
            revision: text(&metadata["annotations"]["deployment.kubernetes.io/revision"])
                .unwrap_or_default(),
            ready,
            name: text(&metadata["name"]).unwrap_or_default(),
            app_id: text(&pod["metadata"]["annotations"]["dapr.io/app-id"]),
            env,
        }
    }

    /// Whether one of its containers has the variable with this value.
    pub(crate) fn has(&self, variable: &str, value: &str) -> bool {
        self.env
            .iter()
            .any(|(name, found)| name == variable && found == value)
    }

    /// The first container's value of the variable.
    pub(crate) fn value(&self, variable: &str) -> Option<&str> {
        let found = self.env.iter().find(|(name, _)| name == variable);
        found.map(|(_, value)| value.as_str())
    }

    /// The topics of a program that only hears, each with that of its dead letters: `TOPIC`, of several `TOPIC_<KEY>`.
    pub(crate) fn topics(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.env.iter().filter_map(|(name, topic)| {
            let key = name.strip_prefix("TOPIC")?;
            let dead = self.value(&format!("DEAD_LETTER_TOPIC{key}"));
            (key.is_empty() || key.starts_with('_')).then_some((topic.as_str(), dead))
        })
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    pub(crate) fn workload(name: &str, env: &[(&str, &str)]) -> Workload {
        Workload {
            name: name.to_owned(),
            app_id: Some(name.to_owned()),
            env: env
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Workload::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_environment_of_all_containers_counts() {
        let spec = json!({"containers": [
            {"env": [{"name": "POD", "valueFrom": {"fieldRef": {}}}]},
            {"env": [{"name": "PUBSUB_NAME", "value": "pubsub-redis"}]},
        ]});
        let deployment = Workload::of_template(&json!({
            "metadata": {"name": "task-api"},
            "spec": {"template": {"metadata": {"annotations": {"dapr.io/app-id": "api"}}, "spec": spec}},
        }));
        assert!(deployment.has("PUBSUB_NAME", "pubsub-redis"));
        assert_eq!(deployment.app_id.as_deref(), Some("api"));
        let pod = |phase: &str| {
            Workload::running(
                &json!({"metadata": {"name": "p"}, "spec": spec, "status": {"phase": phase}}),
            )
        };
        assert!(pod("Running").unwrap().has("PUBSUB_NAME", "pubsub-redis"));
        assert!(pod("Succeeded").is_none());
    }
}
