//! What Helm, its plugins and kube-score find.

use anyhow::{Context as _, Result};
use harness::chart::{KUBE_VERSION, Rendered, folder};
use harness::workspace;
use serde_json::Value;
use tokio::process::Command;

use crate::installations::{RENDERED, by_name, files, output, render, tool, values};

#[test]
fn lint_has_nothing_to_say() -> Result<()> {
    let args = ["lint", "--strict", "--quiet", "--kube-version"];
    let args = [&args[..], &[KUBE_VERSION]].concat();
    for helm in [tool("helm3"), tool("helm4")] {
        output(Command::new(helm).args(&args).arg(folder()), "")?;
    }
    Ok(())
}

/// What each template renders, and what is refused with which sentence.
#[test]
fn unit_tests_pass() -> Result<()> {
    let mut helm_unittest = Command::new(tool("helm-unittest"));
    output(helm_unittest.arg("--strict").arg(folder()), "").map(drop)
}

/// People use the one, Argo CD the other. They sort differently, and sort again before they apply.
#[test]
fn helm_3_and_helm_4_render_the_same() -> Result<()> {
    for (name, values) in values()? {
        if name.starts_with("broker-") {
            // An example says more.
            continue;
        }
        let rendered = render(tool("helm4"), &values).with_context(|| name.clone())?;
        let three = by_name(RENDERED[&name].objects());
        let four = by_name(rendered.objects());
        let all = rendered.objects().count();
        assert_eq!(three.len(), all, "{name}: a kind and name twice");
        assert_eq!(three, four, "{name}");
    }
    Ok(())
}

/// What a parent chart writes that has two brokers apart, each with its services.
const PARENT: &str = r#"{apiVersion: v2, name: shop, version: 1.0.0, dependencies: [
    {name: task-pubsub, version: "*", alias: shop}, {name: task-pubsub, version: "*", alias: west}]}"#;

#[test]
fn a_parent_chart_may_have_it_twice() -> Result<()> {
    let parent = workspace().join("target/parent-chart");
    let _ = std::fs::remove_dir_all(&parent);
    std::fs::create_dir_all(parent.join("charts"))?;
    std::os::unix::fs::symlink(folder(), parent.join("charts/task-pubsub"))?;
    std::fs::write(parent.join("Chart.yaml"), PARENT)?;
    let values = "{shop: {namePrefix: shop-}, west: {namePrefix: west-}}";
    for helm in [tool("helm3"), tool("helm4")] {
        let mut helm = Command::new(helm);
        helm.args(["template", "shop-west", "--kube-version", KUBE_VERSION]);
        helm.args(["--values", "-"]).arg(&parent);
        let rendered = Rendered::parse(&output(&mut helm, values)?)?;
        let named = by_name(rendered.objects());
        let all = rendered.objects().count();
        assert_eq!(named.len(), all, "a kind and name twice");
        for deployment in ["shop-task-api", "west-task-api"] {
            let key = format!("\"Deployment\" \"{deployment}\"");
            assert!(named.contains_key(&key), "no {key}");
        }
    }
    Ok(())
}

/// The packed chart holds what users need and nothing else.
const CONTENTS: [&str; 5] = [
    ".helmignore",
    "Chart.yaml",
    "README.md",
    "values.schema.json",
    "values.yaml",
];

#[test]
fn only_what_users_need_is_packed() -> Result<()> {
    let packed = workspace().join("target/package");
    let _ = std::fs::remove_dir_all(&packed);
    let mut package = Command::new(tool("helm3"));
    package.arg("package").arg(folder());
    output(package.arg("--destination").arg(&packed), "")?;
    let listed = output(Command::new("tar").arg("-tzf").args(files(&packed)?), "")?;
    let files = listed.lines();
    let files = files.map(|line| line.trim_start_matches("task-pubsub/"));
    let files = files.filter(|file| !file.starts_with("templates/"));
    let mut listed: Vec<_> = files.collect();
    listed.sort_unstable();
    assert_eq!(listed, CONTENTS, "see charts/task-pubsub/.helmignore");
    Ok(())
}

/// Rules of kube-score that the chart breaks, each with its reason.
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

/// Whether pods are admitted as `restricted` is the API server's own answer: in the scenarios on a cluster, and by [`crate::server`].
#[test]
fn workloads_follow_best_practice() -> Result<()> {
    let version = KUBE_VERSION.rsplit_once('.').context("no version")?.0;
    let all = RENDERED.iter();
    for (name, rendered) in all.filter(|(name, _)| !name.starts_with("broker-")) {
        let mut kube_score = Command::new(tool("kube-score"));
        kube_score.args(["score", "--exit-one-on-warning", "--output-format=ci"]);
        kube_score.arg(format!("--kubernetes-version=v{version}"));
        // A throttled handler would use up its timeout, and its event would be retried.
        kube_score.arg("--ignore-container-cpu-limit");
        kube_score.arg("--enable-optional-test=container-seccomp-profile");
        let relaxed = BY_DEFAULT.iter().filter(|_| name != "production");
        for rule in EVERYWHERE.iter().chain(relaxed) {
            kube_score.arg(format!("--ignore-test={rule}"));
        }
        let objects: Vec<_> = rendered.objects().map(Value::to_string).collect();
        output(kube_score.arg("-"), &objects.join("\n---\n")).with_context(|| name.clone())?;
    }
    Ok(())
}
