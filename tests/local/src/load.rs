//! Publishes at a fixed rate, whatever the answers take, and writes down every answer.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::{Failure, Ledger, until};
use http_body_util::Full;
use hyper::Request;
use hyper::header::CONTENT_TYPE;
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
        let task = Background::start(|stop| publish(endpoints, rate, answers, stop));
        let ledger = ledger.clone();
        Self { task, ledger }
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
    match endpoints.pick() {
        // A failure is in the ledger.
        Ok(endpoint) => drop(post(&http, &endpoint, &title, &ledger).await),
        Err(error) => ledger.failed(Failure {
            broker: "none".to_owned(),
            message: error.to_string(),
            ..Failure::default()
        }),
    }
}

/// Posts one task, and enters request and answer into the ledger.
pub async fn post(
    http: &Http,
    endpoint: &Endpoint,
    title: &str,
    ledger: &Ledger,
) -> Result<Uuid, Failure> {
    let (answer, sent) = task_load::post(http, &endpoint.url, title, ANSWER_DEADLINE).await;
    ledger.repeated(&endpoint.broker, u64::from(sent - 1));
    enter(ledger, &endpoint.broker, answer)
}

/// Enters the answer to a request into the ledger, with the broker that the instance publishes to.
pub fn enter(ledger: &Ledger, broker: &str, answer: Answer) -> Result<Uuid, Failure> {
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
                broker: broker.to_owned(),
                status,
                retry_after,
                message,
            };
            ledger.failed(failure.clone());
            Err(failure)
        }
    }
}

/// Posts this JSON with these headers; any status is an answer.
pub async fn post_json(
    http: &Http,
    url: &str,
    body: String,
    headers: &[(&str, &[u8])],
) -> Result<client::Answer> {
    let mut request = Request::post(url).header(CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    http.send(request.body(Full::from(body))?, ANSWER_DEADLINE)
        .await
}

/// The id of what was created, in an answer that must be 200.
pub fn task(answer: &client::Answer) -> Result<Uuid> {
    let (status, text) = (answer.status, answer.text());
    ensure!(status == 200, "{status}: {text}");
    let task: Value = answer.json()?;
    Ok(task["id"].as_str().context("no id")?.parse()?)
}

/// The tutorial's request as curl sends it, and its answer of exactly three fields. The task's id.
pub async fn tutorial(http: &Http, url: &str) -> Result<Uuid> {
    let (title, curl) = ("Learn Dapr pub/sub", b"curl/7.88.1");
    let curl: [(&str, &[u8]); 2] = [("user-agent", curl), ("accept", b"*/*")];
    let (url, body) = (format!("{url}/tasks"), format!(r#"{{"title": "{title}"}}"#));
    let answer = post_json(http, &url, body, &curl).await?;
    let id = task(&answer)?;
    let expected = json!({"id": id, "title": title, "event": "published"});
    let answer: Value = answer.json()?;
    ensure!(answer == expected, "the answer has other fields: {answer}");
    Ok(id)
}
