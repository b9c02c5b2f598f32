//! One trace from the client's request to the worker's span.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use serde_json::Value;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Setup;
use crate::{Endpoint, Http, Stack};
use harness::worker_log::WorkerLog;

/// At once, so that the publisher sends batches: each event must keep its own trace in them.
const REQUESTS: usize = 50;
const DEADLINE: Duration = Duration::from_secs(30);

pub(super) async fn unbroken(setup: Setup, broker: &str) -> Result<String> {
    let stack = Stack::start(setup.with_broker(broker)).await?;
    let endpoint = stack.endpoints().pick().context("no instance is ready")?;
    let mut requests = JoinSet::new();
    for _ in 0..REQUESTS {
        let (http, endpoint) = (stack.http().clone(), endpoint.clone());
        requests.spawn(async move { post(&http, &endpoint).await });
    }
    let mut traces = HashMap::new();
    while let Some(posted) = requests.join_next().await {
        let (task, trace) = posted??;
        traces.insert(task, trace);
    }
    let mut log = WorkerLog::new(&stack.worker_log());
    log.wait("every event", DEADLINE, |effects| effects.len() == REQUESTS)
        .await?;
    let lines = log.take_lines();
    for (task, trace) in &traces {
        let line = lines.iter().find(|line| line.contains(&task.to_string()));
        let line = line.with_context(|| format!("no line for {task}"))?;
        ensure!(
            line.contains(trace),
            "the trace {trace} of {task} breaks: {line}"
        );
    }
    stack.shutdown().await?;
    Ok(format!(
        "{REQUESTS} of {REQUESTS} traces reach the worker's span"
    ))
}

/// Posts a task as part of a trace of its own; returns both ids.
async fn post(http: &Http, endpoint: &Endpoint) -> Result<(Uuid, String)> {
    let trace = Uuid::new_v4().simple().to_string();
    let request = Request::post(format!("{}/tasks", endpoint.url))
        .header("content-type", "application/json")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .body(Full::new(Bytes::from_static(br#"{"title": "Follow me"}"#)))?;
    let answer = http.send(request, DEADLINE).await?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    let body: Value = answer.json()?;
    let id = body["id"].as_str().context("no id")?;
    Ok((id.parse()?, trace))
}
