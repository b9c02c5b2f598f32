//! Publishes at a fixed rate, whatever the answers take, and writes down every answer.

use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use harness::ledger::{Failure, Ledger};
use harness::wait::until;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{CONTENT_TYPE, RETRY_AFTER};
use serde::Deserialize;
use task_api::IDEMPOTENCY_KEY;
use task_probe::client::Answer;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Endpoint, Endpoints, Http};

/// Longer than the API's own deadline and a place in a long line, where the kernel may make a connection wait for half a minute, so that
/// it is the API that gives up first.
const ANSWER_DEADLINE: Duration = Duration::from_mins(2);

/// More requests than this are never under way; a service that is that slow has failed anyway.
const IN_FLIGHT: usize = 4096;

/// Publishers that are running.
#[derive(Debug)]
pub struct Load {
    stop: CancellationToken,
    tasks: JoinSet<()>,
    ledger: Ledger,
}

/// A task that was created and announced.
#[derive(Debug, Deserialize)]
pub struct Posted {
    /// The task's id.
    pub id: Uuid,
    /// The whole answer, as it came.
    #[serde(skip)]
    pub body: String,
}

impl Load {
    /// Starts to publish `rate` tasks a second to whatever instances `endpoints` lists at each moment.
    pub fn start(endpoints: &Endpoints, rate: u32, ledger: &Ledger) -> Self {
        let (stop, ledger) = (CancellationToken::new(), ledger.clone());
        let mut tasks = JoinSet::new();
        let publish = publish(endpoints.clone(), rate, ledger.clone(), stop.clone());
        tasks.spawn(publish);
        Self {
            stop,
            tasks,
            ledger,
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
    pub async fn stop(mut self) -> Result<()> {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended?;
        }
        Ok(())
    }
}

async fn publish(endpoints: Endpoints, rate: u32, ledger: Ledger, stop: CancellationToken) {
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
}

async fn one(http: Http, endpoints: Endpoints, ledger: Ledger, title: String) {
    let Some(endpoint) = endpoints.pick() else {
        ledger.asked("none");
        return ledger.failed(failure("none", None, "no instance is ready".to_owned()));
    };
    ledger.asked(&endpoint.broker);
    if let Err(failure) = post(&http, &endpoint, &title, &ledger).await {
        ledger.failed(failure);
    }
}

fn failure(broker: &str, status: Option<u16>, message: String) -> Failure {
    Failure {
        broker: broker.to_owned(),
        status,
        retry_after: false,
        message,
    }
}

/// Posts one task and enters the answer into the ledger.
///
/// # Errors
/// The answer was not 200, or there was none.
pub async fn post(
    http: &Http,
    endpoint: &Endpoint,
    title: &str,
    ledger: &Ledger,
) -> Result<Posted, Failure> {
    let failure = |status, message| failure(&endpoint.broker, status, message);
    // A client has a trace: nothing here begins one, because nothing records it.
    let (key, trace) = (Uuid::new_v4().to_string(), Uuid::new_v4().simple());
    let (name, parent) = (IDEMPOTENCY_KEY, format!("00-{trace}-00f067aa0ba902b7-01"));
    let headers = [
        (name.as_str(), key.as_bytes()),
        ("traceparent", parent.as_bytes()),
    ];
    let answer = send(http, endpoint, title, &headers).await;
    let answer = answer.map_err(|error| failure(None, format!("{error:#}")))?;
    ledger.repeated(&endpoint.broker, u64::from(answer.sent - 1));
    let (status, body) = (answer.status.as_u16(), answer.text());
    if status != 200 {
        let mut failure = failure(Some(status), body);
        failure.retry_after = answer.headers.contains_key(RETRY_AFTER);
        return Err(failure);
    }
    let posted = answer.json::<Posted>();
    let posted = posted.map_err(|error| failure(Some(status), error.to_string()))?;
    ledger.acknowledged(&endpoint.broker, posted.id);
    Ok(Posted { body, ..posted })
}

/// Posts one task with these headers; any status is an answer.
pub async fn send(
    http: &Http,
    endpoint: &Endpoint,
    title: &str,
    headers: &[(&str, &[u8])],
) -> Result<Answer> {
    let body = serde_json::json!({ "title": title }).to_string();
    let mut request =
        Request::post(format!("{}/tasks", endpoint.url)).header(CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Full::new(Bytes::from(body));
    http.send(request.body(body)?, ANSWER_DEADLINE).await
}
