//! Which images the cluster runs.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Names and tag, as the cluster knows them.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Images {
    /// What stands before the names, without a slash at the end; may be empty.
    pub registry: String,
    /// The tag of all of them.
    pub tag: String,
    /// `IfNotPresent` or `Always`.
    pub pull_policy: String,
}

impl Images {
    /// The full name of a service's image.
    pub fn name(&self, service: &str) -> String {
        match self.registry.as_str() {
            "" => format!("{service}:{}", self.tag),
            registry => format!("{registry}/{service}:{}", self.tag),
        }
    }

    /// The chart's values for them.
    pub fn values(&self) -> Value {
        json!({"registry": self.registry, "tag": self.tag, "pullPolicy": self.pull_policy})
    }
}
