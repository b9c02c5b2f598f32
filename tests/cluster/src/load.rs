//! Tasks at a steady rate from inside the cluster, through the Service as clients go: `task-probe load` in a pod.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use task_probe::{Answer, Summary};

use super::images::Images;
use super::pod_logs::{Lines, PodLogs};
use harness::kubectl::Kubectl;
use harness::ledger::{Failure, Ledger};
use harness::wait::until;

/// Which component carried an event is not in the answer, so all of them count as one.
const BROKER: &str = "cluster";

/// The pod, and its container.
const NAME: &str = "load";

/// The annotation that says how many tasks a second. It is a file of the pod, so it can be changed while the load runs.
const RATE: &str = "task-pubsub/load-rate";

/// Where that file is.
const RATE_FOLDER: &str = "/etc/load";
const RATE_FILE: &str = "rate";

/// How long answers that are due may take when it is told to end.
const GRACE: Duration = Duration::from_secs(45);

/// A pod that publishes.
#[derive(Debug)]
pub struct Load {
    kubectl: Kubectl,
    logs: PodLogs,
    lines: Lines,
    ledger: Ledger,
    summary: Option<Summary>,
}

impl Load {
    /// Starts to publish `rate` tasks a second.
    pub async fn start(
        kubectl: &Kubectl,
        images: &Images,
        rate: u32,
        folder: &Path,
    ) -> Result<Self> {
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": NAME, "labels": {"app": NAME}, "annotations": {RATE: rate.to_string()}},
            "spec": {
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": GRACE.as_secs(),
                "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [{
                    "name": NAME,
                    "image": images.name("task-probe"),
                    "imagePullPolicy": images.pull_policy,
                    "args": ["load"],
                    "env": [
                        {"name": "API_URL", "value": "http://task-api"},
                        {"name": "LOAD_RATE_FILE", "value": format!("{RATE_FOLDER}/{RATE_FILE}")},
                        {"name": "PROBE_DEADLINE", "value": "1h"},
                    ],
                    "securityContext": {
                        "allowPrivilegeEscalation": false,
                        "readOnlyRootFilesystem": true,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [{"name": NAME, "mountPath": RATE_FOLDER, "readOnly": true}],
                }],
                "volumes": [{"name": NAME, "downwardAPI": {"items": [
                    {"path": RATE_FILE, "fieldRef": {"fieldPath": format!("metadata.annotations['{RATE}']")}},
                ]}}],
            },
        });
        kubectl.apply([&pod]).await?;
        let folder = folder.join(NAME);
        Ok(Self {
            kubectl: kubectl.clone(),
            logs: PodLogs::start(kubectl, "app=load", NAME, &folder)?,
            lines: Lines::of(&folder),
            ledger: Ledger::default(),
            summary: None,
        })
    }

    /// The folder with the answers.
    pub fn folder(&self) -> &Path {
        self.lines.folder()
    }

    /// What publishers were told, as far as it has been read.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Reads the answers that have come.
    pub async fn look(&mut self) -> Result<()> {
        let Self {
            lines,
            ledger,
            summary,
            ..
        } = self;
        lines
            .look(|line| {
                if let Ok(answer) = serde_json::from_str::<Answer>(line) {
                    enter(ledger, answer);
                } else if let Ok(last) = serde_json::from_str::<Summary>(line) {
                    *summary = Some(last);
                }
            })
            .await
    }

    /// Waits until `events` more events have been acknowledged.
    pub async fn acknowledge(&mut self, events: usize, deadline: Duration) -> Result<()> {
        // Answers that came before now are not among them.
        self.look().await?;
        let goal = self.ledger.acknowledged_so_far() + events;
        until("acknowledged events", deadline, async || {
            self.look().await?;
            let so_far = self.ledger.acknowledged_so_far();
            let last = || self.ledger.failures().last().cloned();
            Ok((so_far < goal)
                .then(|| format!("{so_far} of {goal}; the last failure: {:?}", last())))
        })
        .await
    }

    /// Ends it and waits for the answers that are due. The pod's own figures must be those that were read.
    pub async fn stop(mut self) -> Result<Ledger> {
        let args = ["delete", "pod", NAME, "--wait"];
        self.kubectl.run_within(GRACE * 2, &args, "").await?;
        until("the load's last line", GRACE, async || {
            self.look().await?;
            Ok(self
                .summary
                .is_none()
                .then(|| self.folder().display().to_string()))
        })
        .await?;
        let Self {
            logs,
            ledger,
            summary,
            ..
        } = self;
        logs.stop().await?;
        let summary = summary.context("the load gave no figures")?;
        ledger.repeated(BROKER, summary.repeated);
        let read = Summary {
            published: summary.published,
            repeated: summary.repeated,
            acknowledged: u64::try_from(ledger.acknowledged_so_far())?,
            failed: u64::try_from(ledger.failures().len())?,
        };
        ensure!(
            read == summary,
            "the load says {summary:?}, its log {read:?}: lines are missing"
        );
        Ok(ledger)
    }
}

/// Has the load send so many tasks a second from now on: within a second or two, when the kubelet has written the file.
pub(super) async fn set_rate(kubectl: &Kubectl, rate: u32) -> Result<()> {
    let rate = format!("{RATE}={rate}");
    let args = ["annotate", "pod", NAME, "--overwrite", &rate];
    kubectl.run(&args).await?;
    Ok(())
}

fn enter(ledger: &Ledger, answer: Answer) {
    ledger.asked(BROKER);
    match answer {
        Answer::Acknowledged(task) => ledger.acknowledged(BROKER, task),
        Answer::Failed {
            status,
            retry_after,
            message,
        } => ledger.failed(Failure {
            broker: BROKER.to_owned(),
            status,
            retry_after,
            message,
        }),
    }
}
