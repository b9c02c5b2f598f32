//! Workloads by the best practice that kube-score knows. Whether pods are admitted as `restricted` is the API server's own answer: in
//! the scenarios on a cluster, and by [`crate::server`].

use anyhow::{Context as _, Result};
use harness::chart::KUBE_VERSION;
use serde_json::Value;
use tokio::process::Command;

use crate::installations::RENDERED;
use crate::tools::{output, tool};

/// Rules that the chart breaks, each with its reason.
const EVERYWHERE: [&str; 2] = [
    // All that a pod writes is its journal, in a volume with a limit of its own.
    "container-ephemeral-storage-request-and-limit",
    // `topologySpreadConstraints` spread the pods.
    "deployment-has-host-podantiaffinity",
];

/// The same of what `ci/production.yaml` sets and others need not.
const BY_DEFAULT: [&str; 3] = [
    // `networkPolicy.enabled` is off, because the peers are the cluster's knowledge.
    "pod-networkpolicy",
    // One pod of each service is enough to try it.
    "deployment-replicas",
    // `image.pullPolicy` is `IfNotPresent`, because tags are versions.
    "container-image-pull-policy",
];

#[test]
fn workloads_follow_best_practice() -> Result<()> {
    let version = KUBE_VERSION.rsplit_once('.').context("no version")?.0;
    let all = RENDERED.iter();
    for (name, rendered) in all.filter(|(name, _)| !name.starts_with("broker-")) {
        let mut kube_score = Command::new(tool("kube-score"));
        kube_score.args(["score", "--exit-one-on-warning", "--output-format=ci"]);
        kube_score.arg(format!("--kubernetes-version=v{version}"));
        // A throttled handler would use up its timeout, and its event would be retried.
        kube_score.args([
            "--ignore-container-cpu-limit",
            "--enable-optional-test=container-seccomp-profile",
        ]);
        let relaxed = BY_DEFAULT.iter().filter(|_| name != "production");
        for rule in EVERYWHERE.iter().chain(relaxed) {
            kube_score.arg(format!("--ignore-test={rule}"));
        }
        let objects: Vec<_> = rendered.objects().map(Value::to_string).collect();
        output(kube_score.arg("-"), &objects.join("\n---\n")).with_context(|| name.clone())?;
    }
    Ok(())
}
