//! Installations: what the tutorial's reader does, and what is left afterwards; and pods that start before their components.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::pods;
use crate::{PodLogs, ROLLOUT, SOON, Site};
use harness::chart::{CHART, Rendered, text};
use harness::{Kubectl, until};
use local_stack::{Http, load};

pub(super) async fn as_the_tutorial(site: &Site, broker: &str, mode: &str) -> Result<String> {
    let before = everything(&site.kubectl).await?;
    let values = json!({"broker": {"active": broker}, "subscription": {"mode": mode}});
    let started = Instant::now();
    site.upgrade(&values).await?;
    let ready = started.elapsed().as_secs_f32();
    pods::two_of_two(&site.kubectl, &["task-api", "task-worker"]).await?;

    ask(site).await?;

    let helm = site.helm();
    helm.run("uninstall --wait", ROLLOUT, "").await?;
    until("nothing is left", ROLLOUT, async || {
        let mut left = everything(&site.kubectl).await?;
        left.retain(|it| !before.contains(it));
        Ok((!left.is_empty()).then(|| left.join(", ")))
    })
    .await?;
    Ok(format!("2/2 after {ready:.1} s, one effect, nothing left"))
}

/// The tutorial's request through a forwarded port: three fields, and a line in the worker's log.
async fn ask(site: &Site) -> Result<()> {
    let logs = PodLogs::start(&site.kubectl, "task-worker", &site.folder)?;
    let forward = pods::forward(&site.kubectl, "svc/task-api", 80, &site.folder);
    let (_forward, url) = forward.await?;
    let task = load::tutorial(&Http::new(), &url).await?;
    let what = "the worker's line";
    logs.effects.wait_for(what, SOON, &[task]).await
}

/// Every object of the namespace, whatever its kind, but for events, which are a log.
async fn everything(kubectl: &Kubectl) -> Result<Vec<String>> {
    let kinds = "api-resources --namespaced --verbs=list,delete --output=name";
    let kinds = kubectl.run(kinds).await?;
    let kinds = kinds.lines().filter(|kind| !kind.starts_with("events"));
    let kinds = kinds.collect::<Vec<_>>().join(",");
    let objects = format!("get {kinds} --output=name --ignore-not-found");
    let objects = kubectl.run(&objects).await?;
    Ok(objects.lines().map(str::to_owned).collect())
}

/// Plain `helm install` applies custom resources last, and nothing makes pods wait for them.
pub(super) async fn components_last(site: &Site) -> Result<String> {
    // A Subscription that comes while daprd starts may escape it until the watchdog has it started again.
    let watchdog = json!({"delivery": {"watchdog": {"silence": "5s", "patience": "3s"}}});
    let (helm, values) = (site.helm(), site.values(&watchdog).to_string());
    let template = format!("template {CHART} --validate --values=-");
    let rendered = Rendered::parse(&helm.run(&template, SOON, &values).await?)?;
    let hook = |object: &&Value| !object["metadata"]["annotations"]["helm.sh/hook"].is_null();
    let of_dapr = |object: &&Value| text(&object["apiVersion"]).starts_with("dapr.io/");
    let objects = rendered.objects().filter(|object| !hook(object));
    let (dapr, others): (Vec<_>, Vec<_>) = objects.partition(of_dapr);
    let both = !dapr.is_empty() && !others.is_empty();
    ensure!(both, "the chart renders one kind of objects only");
    // The sidecar does not start without the Configuration that its pod names.
    let configuration = |object: &&Value| object["kind"] == "Configuration";
    let (configuration, late): (Vec<_>, Vec<_>) = dapr.into_iter().partition(configuration);

    let early = others.into_iter().chain(configuration);
    site.kubectl.apply(early).await?;
    let what = "pods that run without their components";
    until(what, SOON, async || {
        let mut waiting = Vec::new();
        for service in ["task-api", "task-worker"] {
            let pods = pods::of(&site.kubectl, service).await?;
            let pod = pods.first();
            // The sidecar is ready, the app runs and is not: it says that a component is missing.
            if !pod.is_some_and(|pod| pod.ready.1 == 2 && pod.ready.0 < 2) {
                waiting.push(format!("{service}: {pod:?}"));
            }
        }
        Ok((!waiting.is_empty()).then(|| waiting.join("; ")))
    })
    .await?;

    let started = Instant::now();
    site.kubectl.apply(late).await?;
    for service in ["task-api", "task-worker"] {
        let ready = format!("rollout status deployment/{service}");
        let ready = site.kubectl.wait(ROLLOUT, &ready).await;
        ready.context("after the components came")?;
    }
    let converged = started.elapsed().as_secs_f32();
    ask(site).await?;
    Ok(format!("ready {converged:.1} s after the components came"))
}
