//! Publishes at a fixed rate, whatever the answers take, and writes down every answer.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use harness::ledger::{Failure, Ledger};
use harness::wait::until;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use serde_json::{Value, json};
use task_load::Answer;
pub use task_load::traceparent;
use task_probe::client;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Background, Endpoint, Endpoints, Http};

/// Longer than the API's own deadline and a place in a long line, where the kernel may make a connection wait for half a minute, so that
/// it is the API that gives up first.
const ANSWER_DEADLINE: Duration = Duration::from_mins(2);

/// More requests than this are never under way; a service that is that slow has failed anyway.
const IN_FLIGHT: usize = 4096;

/// Publishers that are running.
#[derive(Debug)]
pub struct Load {
    task: Background<()>,
    ledger: Ledger,
}

impl Load {
    /// Starts to publish `rate` tasks a second to whatever instances `endpoints` lists at each moment.
    pub fn start(endpoints: &Endpoints, rate: u32, ledger: &Ledger) -> Self {
        let (endpoints, answers) = (endpoints.clone(), ledger.clone());
        Self {
            task: Background::start(|stop| publish(endpoints, rate, answers, stop)),
            ledger: ledger.clone(),
        }
    }

    /// Waits until `events` more events have been acknowledged.
    pub async fn acknowledge(&self, events: usize, deadline: Duration) -> Result<()> {
        let more = self.ledger.more(events);
        until("acknowledged events", deadline, async || Ok(more())).await
    }

    /// Waits until a publish has failed: the outage has then lasted longer than retries can hide.
    pub async fn fail(&self, deadline: Duration) -> Result<()> {
        until("a publish that fails", deadline, async || {
            let none = self.ledger.failures().is_empty();
            Ok(none.then(|| "none has".to_owned()))
        })
        .await
    }

    /// Stops and waits for the answers that are still due.
    pub async fn stop(self) -> Result<()> {
        self.task.stop().await
    }
}

async fn publish(
    endpoints: Endpoints,
    rate: u32,
    ledger: Ledger,
    stop: CancellationToken,
) -> Result<()> {
    let http = Http::new();
    let mut ticks = interval(Duration::from_secs(1) / rate);
    // An open loop: requests that could not be sent in time are sent at once, not left out.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut requests = JoinSet::new();
    let mut number = 0_u64;
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        while requests.try_join_next().is_some() {}
        if requests.len() >= IN_FLIGHT {
            requests.join_next().await;
        }
        number += 1;
        let (http, endpoints, ledger) = (http.clone(), endpoints.clone(), ledger.clone());
        requests.spawn(one(http, endpoints, ledger, format!("task {number}")));
    }
    while requests.join_next().await.is_some() {}
    Ok(())
}

async fn one(http: Http, endpoints: Endpoints, ledger: Ledger, title: String) {
    if let Some(endpoint) = endpoints.pick() {
        // A failure is in the ledger.
        let _ = post(&http, &endpoint, &title, &ledger).await;
    } else {
        ledger.asked("none");
        ledger.failed(Failure {
            broker: "none".to_owned(),
            message: "no instance is ready".to_owned(),
            ..Failure::default()
        });
    }
}

/// Posts one task, and enters request and answer into the ledger.
pub async fn post(
    http: &Http,
    endpoint: &Endpoint,
    title: &str,
    ledger: &Ledger,
) -> Result<Uuid, Failure> {
    let broker = &endpoint.broker;
    ledger.asked(broker);
    let (answer, sent) = task_load::post(http, &endpoint.url, title, ANSWER_DEADLINE).await;
    ledger.repeated(broker, u64::from(sent - 1));
    match answer {
        Answer::Acknowledged(task) => {
            ledger.acknowledged(broker, task);
            Ok(task)
        }
        Answer::Failed {
            status,
            retry_after,
            message,
        } => {
            let failure = Failure {
                broker: broker.clone(),
                status,
                retry_after,
                message,
            };
            ledger.failed(failure.clone());
            Err(failure)
        }
    }
}

/// Posts one task with these headers; any status is an answer.
pub async fn send(
    http: &Http,
    endpoint: &Endpoint,
    title: &str,
    headers: &[(&str, &[u8])],
) -> Result<client::Answer> {
    let url = format!("{}/tasks", endpoint.url);
    post_json(http, &url, &json!({ "title": title }), headers).await
}

/// Posts this with these headers; any status is an answer.
pub async fn post_json(
    http: &Http,
    url: &str,
    body: &Value,
    headers: &[(&str, &[u8])],
) -> Result<client::Answer> {
    let mut request = Request::post(url).header(CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Full::new(Bytes::from(body.to_string()));
    http.send(request.body(body)?, ANSWER_DEADLINE).await
}

/// The tutorial's request as curl sends it, and its answer of exactly three fields. The task's id.
pub async fn tutorial(http: &Http, url: &str) -> Result<Uuid> {
    let title = "Learn Dapr pub/sub";
    let request = Request::post(format!("{url}/tasks"))
        .header(USER_AGENT, "curl/7.88.1")
        .header(ACCEPT, "*/*")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::from(format!(r#"{{"title": "{title}"}}"#)))?;
    let answer = http.send(request, ANSWER_DEADLINE).await?;
    let (status, text) = (answer.status, answer.text());
    ensure!(status == 200, "{status}: {text}");
    let answer: Value = answer.json()?;
    let id = answer["id"].as_str().context("no id")?;
    let expected = json!({"id": id, "title": title, "event": "published"});
    ensure!(answer == expected, "the answer has other fields: {answer}");
    Ok(id.parse()?)
}
