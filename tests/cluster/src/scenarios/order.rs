//! Plain `helm install` applies custom resources last, and nothing makes pods wait for them.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use harness::chart::{Rendered, folder, text};
use harness::wait::until;
use serde_json::{Value, json};

use super::pods;
use super::tutorial::ask;
use crate::Site;
use crate::site::{ROLLOUT, SOON};

pub(super) async fn components_last(site: &Site) -> Result<String> {
    // A Subscription that comes while daprd starts may escape it until the watchdog has it started again.
    let watchdog = json!({"delivery": {"watchdog": {"silence": "5s", "patience": "3s"}}});
    let (values, folder) = (site.values(&watchdog), folder());
    let args = [&*folder.to_string_lossy(), "--validate", "--values=-"];
    let (helm, values) = (site.helm(), values.to_string());
    let rendered = helm.run("template", &args, SOON, &values).await?;
    let rendered = Rendered::parse(&rendered)?;
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
