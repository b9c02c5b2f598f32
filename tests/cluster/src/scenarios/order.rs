//! Plain `helm install` applies custom resources last, and nothing makes pods wait for them.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::tutorial::{ROLLOUT, ask};
use super::{Setup, pods};
use crate::Site;
use harness::chart::Rendered;
use harness::wait::until;

/// Until the sidecar and the app run, without what they need.
const STARTED: Duration = Duration::from_mins(1);

pub(super) async fn components_last(setup: Setup, name: &str) -> Result<String> {
    let site = Site::create(&setup, name).await?;
    let result = late(&site).await;
    site.end(result).await
}

async fn late(site: &Site) -> Result<String> {
    // A Subscription that comes while daprd starts may escape it until the watchdog has it started again.
    let watchdog = json!({"delivery": {"watchdog": {"silence": "5s", "patience": "3s"}}});
    let values = site.values(&watchdog);
    let rendered = site.helm().template(&site.chart(), &values).await?;
    let rendered = Rendered::parse(&rendered)?;
    let hook = |object: &&serde_json::Value| {
        object
            .pointer("/metadata/annotations")
            .is_some_and(|it| it.get("helm.sh/hook").is_some())
    };
    let (dapr, others): (Vec<_>, Vec<_>) = rendered
        .objects()
        .filter(|object| !hook(object))
        .partition(|object| {
            object["apiVersion"]
                .as_str()
                .is_some_and(|it| it.starts_with("dapr.io/"))
        });
    ensure!(
        !dapr.is_empty() && !others.is_empty(),
        "the chart renders one kind of objects only"
    );
    // The sidecar does not start without the Configuration that its pod names.
    let (configuration, late): (Vec<_>, Vec<_>) = dapr
        .into_iter()
        .partition(|object| object["kind"] == "Configuration");

    site.kubectl
        .apply(others.into_iter().chain(configuration))
        .await?;
    until(
        "pods that run without their components",
        STARTED,
        async || {
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
        },
    )
    .await?;

    let started = std::time::Instant::now();
    site.kubectl.apply(late).await?;
    for service in ["task-api", "task-worker"] {
        site.kubectl
            .rolled_out(service, ROLLOUT)
            .await
            .context("after the components came")?;
    }
    let converged = started.elapsed();
    ask(site).await?;
    Ok(format!(
        "ready {:.1} s after the components came",
        converged.as_secs_f32()
    ))
}
