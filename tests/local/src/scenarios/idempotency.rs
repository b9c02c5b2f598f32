//! `Idempotency-Key`.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use serde_json::Value;
use task_api::IDEMPOTENCY_KEY;
use tokio::task::JoinSet;

use super::{QUIET, Setup};
use crate::{Endpoint, Http, Stack};
use harness::worker_log::WorkerLog;

const AT_ONCE: usize = 20;
const DEADLINE: Duration = Duration::from_secs(20);

pub(super) async fn same_key(setup: Setup) -> Result<String> {
    let stack = Stack::start(setup.options()).await?;
    let endpoint = stack.endpoints().pick().context("no instance is ready")?;
    let mut requests = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (http, endpoint) = (stack.http().clone(), endpoint.clone());
        requests.spawn(async move { post(&http, &endpoint, "Learn Dapr pub/sub").await });
    }
    let mut ids = HashSet::new();
    while let Some(id) = requests.join_next().await {
        ids.insert(id??);
    }
    stack.kill_api().await?;
    stack.restart_api().await?;
    ids.insert(post(stack.http(), &endpoint, "Learn Dapr pub/sub").await?);
    ensure!(ids.len() == 1, "one key and one body gave {ids:?}");
    let other = post(stack.http(), &endpoint, "Another title").await?;
    ensure!(
        !ids.contains(&other),
        "another body under the same key is another task"
    );

    let mut log = WorkerLog::new(&stack.worker_log());
    log.wait("both tasks", DEADLINE, |effects| effects.len() == 2)
        .await?;
    log.settle(QUIET).await?;
    let twice: HashMap<_, _> = log
        .effects()
        .iter()
        .filter(|(_, effects)| **effects != 1)
        .collect();
    ensure!(twice.is_empty(), "more than one effect: {twice:?}");
    stack.shutdown().await?;
    Ok(format!(
        "{} requests with one key: 1 id, 1 effect",
        AT_ONCE + 1
    ))
}

async fn post(http: &Http, endpoint: &Endpoint, title: &str) -> Result<String> {
    let request = Request::post(format!("{}/tasks", endpoint.url))
        .header("content-type", "application/json")
        .header(IDEMPOTENCY_KEY, "8e03978e-40d5-43dd-bc93-6894a57f9324")
        .body(Full::new(Bytes::from(
            serde_json::json!({ "title": title }).to_string(),
        )))?;
    let answer = http.send(request, DEADLINE).await?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    let body: Value = answer.json()?;
    Ok(body["id"].as_str().context("no id")?.to_owned())
}
