//! Workers that are away at the same time, and Dapr's objects edited under them, by hand as people do.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::pods;
use super::under_load::{UnderLoad, two_publishers};
use crate::{Signals, Site};
use harness::chart::merge;

const WORKER: &str = "task-worker";

/// The image of all services.
const IMAGE: &str = include_str!("../../../../services/Dockerfile");

/// Seconds, and how often with each number of workers. Five are longer than daprd waited to take an app for ill while it still asked. More
/// kills than one would measure how long the kubelet waits before it starts a container again.
type Absences = &'static [(u64, usize)];
const SHORT: Absences = &[(5, 3)];
const LONG: Absences = &[(1, 5), (5, 5), (20, 5), (90, 5)];

/// With one worker and with one for each partition that a topic has by default.
const REPLICAS: [u32; 2] = [1, 3];

pub(super) async fn on_kafka(site: &Site) -> Result<String> {
    all(site, SHORT).await
}

pub(super) async fn long_on_kafka(site: &Site) -> Result<String> {
    all(site, LONG).await
}

async fn all(site: &Site, absences: Absences) -> Result<String> {
    let signals = Signals::start(site).await?;
    let result = again_and_again(site, &signals, absences).await;
    signals.end(result).await
}

async fn again_and_again(site: &Site, signals: &Signals, absences: Absences) -> Result<String> {
    let program = IMAGE.split("ENTRYPOINT [\"/").nth(1);
    let program = program.and_then(|it| it.split('"').next());
    let program = program.context("services/Dockerfile has no entry point")?;
    upgrade(site, REPLICAS[0], "3s").await?;
    let work = UnderLoad::start(site).await?;
    let mut told = Vec::new();
    let mut kills = 0;
    for replicas in REPLICAS {
        upgrade(site, replicas, "3s").await?;
        let all = pods::of(&site.kubectl, WORKER).await?;
        let all: Vec<_> = all.iter().map(|pod| pod.name.as_str()).collect();
        for &(seconds, times) in absences {
            let mut slowest = Duration::ZERO;
            for _ in 0..times {
                work.go_on().await?;
                signals.send("STOP", program, &all).await?;
                sleep(Duration::from_secs(seconds)).await;
                signals.send("CONT", program, &all).await?;
                slowest = slowest.max(caught_up(&work).await?);
            }
            told.push(format!(
                "{replicas} of {replicas} workers: {times} pauses of {seconds} s caught up within {:.1} s",
                slowest.as_secs_f32()
            ));
        }
        signals.send("KILL", program, &all).await?;
        kills += u64::from(replicas);
        let killed = caught_up(&work).await?;
        told.push(format!(
            "a kill of {replicas} within {:.1} s",
            killed.as_secs_f32()
        ));
    }
    edits(site, &work).await?;
    told.push(work.perfect_but(kills).await?);
    Ok(told.join("; "))
}

/// The time until everything acknowledged up to now has had its effect.
async fn caught_up(work: &UnderLoad) -> Result<Duration> {
    let back = Instant::now();
    work.drained().await?;
    Ok(back.elapsed())
}

/// Neither edit restarts a pod. `edits-kafka` has more of them.
async fn edits(site: &Site, work: &UnderLoad) -> Result<()> {
    dead_letter_topic(site, "somewhere-else").await?;
    work.go_on().await?;
    let edited = work.drained().await;
    edited.context("after an edited Subscription")?;
    upgrade(site, REPLICAS[REPLICAS.len() - 1], "2s").await?;
    work.go_on().await?;
    work.drained().await.context("after an edited Component")
}

async fn dead_letter_topic(site: &Site, topic: &str) -> Result<()> {
    let patch = json!({"spec": {"deadLetterTopic": topic}}).to_string();
    let names = ["get", "subscriptions.dapr.io", "--output=name"];
    for name in site.kubectl.run(&names).await?.lines() {
        let patch = ["patch", name, "--type=merge", "--patch", &patch];
        site.kubectl.run(&patch).await?;
    }
    Ok(())
}

async fn upgrade(site: &Site, replicas: u32, heartbeat: &str) -> Result<()> {
    let mut values: Value = json!({
        "broker": {"active": "kafka"},
        // An edited Subscription leaves a sidecar deaf on Kafka until the watchdog has it started again.
        "delivery": {"watchdog": {"silence": "5s", "patience": "3s"}},
        "brokers": {"kafka": {"heartbeatInterval": heartbeat}},
        "services": {WORKER: {"replicas": replicas}},
    });
    merge(&mut values, &two_publishers());
    site.upgrade(&values).await
}
