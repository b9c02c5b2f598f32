//! What the kubelet and Dapr's injector would read from a Deployment.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::chart;
use crate::chart::{items, text};

/// The pod template of a Deployment, as far as it concerns a process on this machine. Two equal values mean that
/// Kubernetes would not roll the pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// `metadata.name`.
    pub name: String,
    /// What the container's program is given: all of its command but the first word, and its arguments.
    pub args: Vec<String>,
    /// Annotations of the pods.
    pub annotations: BTreeMap<String, String>,
    /// Environment of the container, where it is written out.
    pub env: BTreeMap<String, String>,
    /// Environment that comes from secrets or from the pod itself; the harness fills in what it knows.
    pub env_from: Vec<String>,
    /// `terminationGracePeriodSeconds`.
    pub grace: Duration,
}

impl Deployment {
    /// The value of an environment variable that must be written out.
    pub fn variable(&self, name: &str) -> Result<&str> {
        let value = self.env.get(name).map(String::as_str);
        value.with_context(|| format!("Deployment {} sets no {name}", self.name))
    }

    /// Reads a rendered Deployment, or a Job: of its containers the first, which is the service's own.
    pub fn read(object: &Value) -> Result<Self> {
        let (name, pod) = (chart::name(object).to_owned(), &object["spec"]["template"]);
        let container = &pod["spec"]["containers"][0];
        ensure!(container.is_object(), "{name} has no container");
        let command = items(&container["command"]).skip(1);
        let args = command.chain(items(&container["args"])).map(text);

        let (mut env, mut env_from) = (BTreeMap::new(), Vec::new());
        for variable in items(&container["env"]) {
            let key = text(&variable["name"]);
            match variable.get("value") {
                Some(value) => drop(env.insert(key, text(value))),
                // A variable with neither is an empty one.
                None if variable.get("valueFrom").is_none() => drop(env.insert(key, String::new())),
                None => env_from.push(key),
            }
        }
        let grace = pod["spec"]["terminationGracePeriodSeconds"].as_u64();
        let annotations = pod["metadata"]["annotations"].as_object();
        let annotations = annotations.into_iter().flatten();
        let annotations = annotations.map(|(key, value)| (key.clone(), text(value)));
        Ok(Self {
            name,
            args: args.collect(),
            annotations: annotations.collect(),
            env,
            env_from,
            // Kubernetes' own default.
            grace: Duration::from_secs(grace.unwrap_or(30)),
        })
    }

    /// Its arguments, where it listens on another port of loopback: in a pod it has its port to itself.
    pub fn args_with_port(&self, port: &str) -> Vec<String> {
        let own = self.annotation("app-port").unwrap_or_default();
        let here = |arg: &String| match arg.as_str() {
            "0.0.0.0" => "127.0.0.1".to_owned(),
            arg if arg == own => port.to_owned(),
            arg => arg.to_owned(),
        };
        self.args.iter().map(here).collect()
    }

    /// The annotation `dapr.io/<key>`.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations
            .get(&format!("dapr.io/{key}"))
            .map(String::as_str)
    }

    /// Whether the sidecar ends only after the app (a native sidecar) or gets SIGTERM together with it.
    pub fn has_native_sidecar(&self) -> bool {
        self.annotation("enable-native-sidecar") == Some("true")
    }
}
