//! A namespace of its own for one scenario, and Helm for its releases.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::chart::{self, CHART, Rendered, merge};
use harness::{Kubectl, command::output, workspace};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::Setup;

/// From nothing to ready.
pub(crate) const ROLLOUT: Duration = Duration::from_secs(150);

/// For what takes seconds, on a machine that may be busy.
pub(crate) const SOON: Duration = Duration::from_mins(1);

/// On everything that must be gone after a run; its value is the run.
pub(crate) const RUN_LABEL: &str = "task-pubsub-e2e/run";

/// What may stand before its name in that of a namespace beside it.
const BESIDE: [&str; 2] = ["signals", "elsewhere"];

/// Until everything in a namespace has ended.
const GONE: Duration = Duration::from_mins(3);

/// What a release is made of.
const RESOURCES: &str =
    "get components,subscriptions,resiliencies,configurations,deployments,jobs -o yaml";

const EVIDENCE: [(&str, &str); 4] = [
    ("pods.txt", "get pods -o wide"),
    ("events.txt", "get events --sort-by=.lastTimestamp"),
    ("described.txt", "describe pods"),
    ("resources.yaml", RESOURCES),
];

pub(crate) struct Site {
    pub(crate) kubectl: Kubectl,
    pub(crate) folder: PathBuf,
    pub(crate) setup: Setup,
}

impl Site {
    pub(crate) async fn create(setup: Setup, name: &str) -> Result<Self> {
        let kubectl = Kubectl::new(&setup.kubectl, &format!("{name}-{}", setup.run));
        let namespace = include_str!("../objects/namespace.yaml");
        apply(&kubectl, &setup, namespace, &[]).await?;
        let folder = setup.folder.join(name);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => std::fs::create_dir_all(&folder)?,
        }
        Ok(Self {
            kubectl,
            folder,
            setup,
        })
    }

    /// A namespace with objects that are not allowed in this one. It goes together with it.
    pub(crate) async fn beside(&self, what: &str, objects: &str) -> Result<Kubectl> {
        let namespace = format!("{what}-{}", self.kubectl.namespace);
        let kubectl = self.kubectl.of(&namespace);
        apply(&kubectl, &self.setup, objects, &[]).await?;
        Ok(kubectl)
    }

    pub(crate) fn helm(&self) -> Helm {
        Helm {
            program: self.setup.helm.clone(),
            namespace: self.kubectl.namespace.clone(),
            release: chart::RELEASE.to_owned(),
        }
    }

    /// Upgrades the release, or installs it, by Helm 3, with these values over [`Site::values`].
    pub(crate) async fn upgrade(&self, values: &Value) -> Result<()> {
        let (helm, values) = (self.helm(), self.values(values));
        helm.upgrade(CHART, &values, ROLLOUT).await
    }

    /// Values for this cluster and this namespace, with `more` laid over them: images, where the brokers are, topics and a consumer group
    /// that nobody else uses, and timings so short that what waits for a timeout can be waited for.
    pub(crate) fn values(&self, more: &Value) -> Value {
        let (images, namespace) = (&self.setup.images, &self.kubectl.namespace);
        let mut values = json!({
            "image": {"registry": images.registry, "tag": images.tag, "pullPolicy": images.pull_policy},
            "topicSuffix": format!("-{namespace}"),
            "brokers": {"kafka": {"consumerGroup": format!("{namespace}-{{appID}}")}},
            "delivery": {"handlerTimeout": "1s", "retry": {"interval": "500ms", "maxRetries": 20}, "lease": "3s"},
        });
        merge(&mut values, &self.setup.values);
        merge(&mut values, more);
        values
    }

    /// Ends the scenario: collects evidence when it failed, removes the namespace unless it is to be kept.
    pub(crate) async fn end<T>(self, result: Result<T>) -> Result<T> {
        if result.is_err() {
            self.collect().await;
        }
        if self.setup.keep {
            return result;
        }
        let own = &self.kubectl.namespace;
        let [signals, elsewhere] = BESIDE.map(|it| format!("{it}-{own}"));
        let delete = format!("delete namespace --ignore-not-found {own} {signals} {elsewhere}");
        let removed = self.kubectl.wait(GONE, &delete).await;
        let value = result.with_context(|| format!("evidence is in {}", self.folder.display()))?;
        removed.map(|()| value)
    }

    /// As much as there is: what cannot be had must not hide why the scenario failed.
    async fn collect(&self) {
        let write = async |file: &str, line: &str| {
            let said = self.kubectl.run(line).await;
            let said = said.unwrap_or_else(|error| format!("{error:#}"));
            let _ = std::fs::write(self.folder.join(file), said);
        };
        for (file, line) in EVIDENCE {
            write(file, line).await;
        }
        let pods = self.kubectl.list("pods").await.unwrap_or_default();
        for pod in pods.iter().map(chart::name) {
            let logs = format!("logs {pod} --all-containers --prefix --tail=500");
            write(&format!("{pod}.log"), &logs).await;
        }
    }
}

/// Beyond the limit that Helm is told.
const MARGIN: Duration = Duration::from_secs(30);

/// `helm`, version 3 or 4, for one release.
pub(crate) struct Helm {
    pub(crate) program: PathBuf,
    pub(crate) namespace: String,
    pub(crate) release: String,
}

impl Helm {
    /// `helm upgrade --install --wait` with these values. The error is what Helm says.
    pub(crate) async fn upgrade(&self, chart: &str, values: &Value, limit: Duration) -> Result<()> {
        let upgrade = format!("upgrade {chart} --install --wait --values=-");
        let values = values.to_string();
        self.run(&upgrade, limit, &values).await.map(drop)
    }

    /// The words of a command on the release, such as `rollback 1`, `test` or `uninstall`; an error when a test fails. Charts are named
    /// from the workspace's root.
    pub(crate) async fn run(&self, line: &str, limit: Duration, input: &str) -> Result<String> {
        let (mut words, mut helm) = (line.split(' '), Command::new(&self.program));
        helm.args(words.next()).arg(&self.release).args(words);
        helm.args(["--namespace", &self.namespace]);
        helm.arg(format!("--timeout={}s", limit.as_secs()));
        helm.current_dir(workspace());
        let ended = output(&mut helm, limit + MARGIN, input).await;
        ended.with_context(|| format!("helm {line}, {}", self.release))
    }
}

/// Applies objects of `objects/`, with the values of the names that stand in braces there.
pub(crate) async fn apply(
    kubectl: &Kubectl,
    setup: &Setup,
    objects: &str,
    values: &[(&str, &str)],
) -> Result<()> {
    let image = setup.images.name("task-load");
    let common = [
        ("namespace", kubectl.namespace.as_str()),
        ("run", &setup.run),
        ("runLabel", RUN_LABEL),
        ("image", &image),
        ("pullPolicy", &setup.images.pull_policy),
    ];
    let mut text = objects.to_owned();
    for (name, value) in common.iter().chain(values) {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    kubectl.apply(Rendered::parse(&text)?.objects()).await
}
