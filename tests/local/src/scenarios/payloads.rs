//! Events that are not like others: attributes that are not ASCII, and as much data as a sidecar takes.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use dapr_pubsub::{NewEvent, Publisher, PublisherOptions};
use http_body_util::Full;
use hyper::Request;
use hyper::header::HeaderValue;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Setup, exactly_once, nothing_dead, settled};
use crate::{Endpoint, Http, Stack};
use harness::ledger::Ledger;
use harness::worker_log::WorkerLog;

/// Two bytes, three and four.
const TITLE: &str = "Grüße, 任务 🚀";

/// Below the 4 MiB of a sidecar, with its envelope.
const LARGE: usize = 7 << 19;

/// Of each kind.
const EVENTS: usize = 4;
const DEADLINE: Duration = Duration::from_secs(30);

pub(super) async fn unusual(setup: Setup, broker: &str) -> Result<String> {
    let stack = setup.start(setup.with_broker(broker)).await?;
    let endpoint = stack.endpoints().pick().context("no instance is ready")?;
    let ledger = Ledger::default();
    let mut foreign = Vec::new();
    for _ in 0..EVENTS {
        foreign.push(post(stack.http(), &endpoint, &ledger).await?);
    }
    publish_large(&stack, broker, &ledger).await?;
    // What comes behind them is not held up.
    for _ in 0..EVENTS {
        foreign.push(post(stack.http(), &endpoint, &ledger).await?);
    }
    let count = settled(&stack, &ledger).await?;
    nothing_dead(&stack).await?;
    let mut log = WorkerLog::new(&stack.worker_log());
    log.look().await?;
    let lines = log.take_lines();
    for task in foreign {
        let line = lines.iter().find(|line| line.contains(&task.to_string()));
        let line = line.with_context(|| format!("no line for {task}"))?;
        ensure!(line.contains(TITLE), "another title: {line}");
    }
    stack.shutdown().await?;
    Ok(format!(
        "{EVENTS} of {} KiB; {}",
        LARGE >> 10,
        exactly_once(&count)?
    ))
}

/// Posts a task in whose trace a vendor has left what is not ASCII.
async fn post(http: &Http, endpoint: &Endpoint, ledger: &Ledger) -> Result<Uuid> {
    let trace = Uuid::new_v4().simple();
    let request = Request::post(format!("{}/tasks", endpoint.url))
        .header("content-type", "application/json")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .header(
            "tracestate",
            HeaderValue::from_bytes("vendor=größer".as_bytes())?,
        )
        .body(Full::new(Bytes::from(json!({"title": TITLE}).to_string())))?;
    ledger.asked(&endpoint.broker);
    let answer = http.send(request, DEADLINE).await?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    let body: Value = answer.json()?;
    let id = body["id"].as_str().context("no id")?.parse()?;
    ledger.acknowledged(&endpoint.broker, id);
    Ok(id)
}

/// Past the API, which takes no such titles.
async fn publish_large(stack: &Stack, broker: &str, ledger: &Ledger) -> Result<()> {
    let (sidecar, api) = (stack.api().sidecar().client()?, stack.api().template());
    let options = PublisherOptions::new(api.variable("PUBSUB_NAME")?, api.variable("TOPIC")?);
    let publisher = Publisher::new(&sidecar, options);
    let title = "x".repeat(LARGE);
    for _ in 0..EVENTS {
        let task = Uuid::now_v7();
        let data = json!({"event_type": "task.created", "task_id": task, "title": title});
        ledger.asked(broker);
        publisher
            .publish(NewEvent::json(task.to_string(), &data)?, DEADLINE)
            .await?;
        ledger.acknowledged(broker, task);
    }
    Ok(())
}
