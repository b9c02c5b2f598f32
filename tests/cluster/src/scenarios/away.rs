//! Workers that are away at the same time, and Dapr's objects edited under them, by hand as people do.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;
use tokio::time::sleep;

use super::pods;
use super::under_load::{UnderLoad, two_publishers};
use crate::{Signals, Site};

const WORKER: &str = "task-worker";

/// Seconds, and how often with each number of workers. Five are longer than daprd waited to take an app for ill while it still asked. More
/// kills than one would measure how long the kubelet waits before it starts a container again.
type Absences = &'static [(u64, usize)];
pub(super) const SHORT: Absences = &[(5, 3)];
pub(super) const LONG: Absences = &[(1, 10), (5, 10), (20, 10), (90, 10)];

/// With these numbers of workers, such as one for each partition that a topic has by default. `edits`: Dapr's objects are
/// edited in the end.
pub(super) async fn on_kafka(
    site: &Site,
    replicas: &[u32],
    absences: Absences,
    edits: bool,
) -> Result<String> {
    // An edited Subscription leaves a sidecar deaf on Kafka until the watchdog has it started again.
    let mut watchdog = json!({});
    if edits {
        watchdog = json!({"silence": "5s", "patience": "3s"});
    }
    let signals = Signals::start(site).await?;
    let upgrade = async |replicas: u32, heartbeat: &str| {
        let mut services = two_publishers();
        services[WORKER] = json!({"replicas": replicas});
        let values = json!({
            "broker": {"active": "kafka"},
            "delivery": {"watchdog": watchdog},
            "brokers": {"kafka": {"heartbeatInterval": heartbeat}},
            "services": services,
        });
        site.upgrade(&values).await
    };
    let (first, last) = (replicas[0], replicas[replicas.len() - 1]);
    upgrade(first, "3s").await?;
    let work = UnderLoad::start(site).await?;
    let (mut told, mut kills) = (Vec::new(), 0);
    for &replicas in replicas {
        upgrade(replicas, "3s").await?;
        let all = pods::of(&site.kubectl, WORKER).await?;
        let all: Vec<_> = all.iter().map(|pod| pod.name.as_str()).collect();
        for &(seconds, times) in absences {
            let mut slowest = Duration::ZERO;
            for _ in 0..times {
                work.go_on().await?;
                signals.send("STOP", &all).await?;
                sleep(Duration::from_secs(seconds)).await;
                signals.send("CONT", &all).await?;
                slowest = slowest.max(work.drained().await?);
            }
            let pauses = format!("{replicas} workers: {times} pauses of {seconds} s");
            let slowest = slowest.as_secs_f32();
            told.push(format!("{pauses} caught up within {slowest:.1} s"));
        }
        signals.send("KILL", &all).await?;
        kills += u64::from(replicas);
        let killed = work.drained().await?.as_secs_f32();
        told.push(format!("a kill of {replicas} within {killed:.1} s"));
    }
    if edits {
        // Neither edit restarts a pod. `edits-kafka` has more of them.
        let topic = r#"{"spec":{"deadLetterTopic":"somewhere-else"}}"#;
        let names = "get subscriptions.dapr.io --output=name";
        for name in site.kubectl.run(names).await?.lines() {
            let patch = format!("patch {name} --type=merge --patch {topic}");
            site.kubectl.run(&patch).await?;
        }
        work.go_on().await?;
        let edited = work.drained().await;
        edited.context("after an edited Subscription")?;
        upgrade(last, "2s").await?;
        work.go_on().await?;
        work.drained().await.context("after an edited Component")?;
    }
    let (figures, _) = work.stop_but(kills).await?;
    told.push(figures);
    Ok(told.join("; "))
}
