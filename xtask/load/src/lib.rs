//! `task-load`: tasks at a steady rate, and what became of each; one side of a proof that counts. It is in no release.
//!
//! Every answer is a line of JSON on standard output, so that whoever counts can hold it against what subscribers did:
//!
//! | line | when |
//! |---|---|
//! | `{"acknowledged": "<task id>"}` | the API answered 200: the broker has the event |
//! | `{"failed": {"status": 503, "retry_after": true, "message": "..."}}` | anything else; `status` is null without an answer |
//! | `{"published": 3000, "acknowledged": 3000, "failed": 0, "repeated": 0}` | at the end; who misses a line notices it by this one |

mod config;
pub mod relay;

use std::io::Write as _;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Request, StatusCode};
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use service_kit::shutdown::Shutdown;
use task_api::IDEMPOTENCY_KEY;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

pub use config::Config;
use task_probe::client::Client;

/// Longer than the API's own deadline, so that it is the API that gives up first.
const REQUEST: Duration = Duration::from_secs(15);

/// One line of the output but the last.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The task's id.
    Acknowledged(Uuid),
    /// Not answered 200.
    Failed {
        /// The HTTP status, if there was an answer.
        status: Option<u16>,
        /// Whether the answer said when to come again.
        retry_after: bool,
        /// The answer's body, or why there was none.
        message: String,
    },
}

/// The last line.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Requests sent.
    pub published: u64,
    /// Of them, answered 200.
    pub acknowledged: u64,
    /// The others.
    pub failed: u64,
    /// Times that a request was sent again, because its connection had ended before there was an answer.
    pub repeated: u64,
}

#[derive(Deserialize)]
struct Created {
    id: Uuid,
}

/// Publishes until it is told to end, then waits for the answers that are due.
///
/// # Errors
/// Standard output cannot be written.
pub async fn run(config: &Config, shutdown: &Shutdown) -> Result<()> {
    let (client, api) = (Client::new(), config.api_url.as_str());
    // An open loop: what could not be sent in time is sent at once, not left out, however slow the answers are.
    let mut due = interval(Duration::from_secs(1) / config.rate);
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    // But no more than a second's worth is under way: at a rate that the API does not reach, requests would otherwise pile up until they
    // are refused, and say nothing but that.
    let most = config.rate as usize;
    let (mut requests, mut summary) = (JoinSet::new(), Summary::default());
    loop {
        tokio::select! {
            biased;
            () = shutdown.draining() => break,
            Some(answer) = requests.join_next() => enter(answer?, &mut summary)?,
            _ = due.tick(), if requests.len() < most => {
                summary.published += 1;
                let (client, api) = (client.clone(), api.to_owned());
                let title = format!("task {}", summary.published);
                requests.spawn(async move { post(&client, &api, &title, REQUEST).await });
            }
        }
    }
    while let Some(answer) = requests.join_next().await {
        enter(answer?, &mut summary)?;
    }
    line(&summary)
}

fn enter((answer, sent): (Answer, u32), summary: &mut Summary) -> Result<()> {
    match answer {
        Answer::Acknowledged(_) => summary.acknowledged += 1,
        Answer::Failed { .. } => summary.failed += 1,
    }
    summary.repeated += u64::from(sent - 1);
    line(&answer)
}

fn line(what: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    Ok(std::io::stdout().write_all(&line)?)
}

/// The id of a new trace, and what a client sends of it.
pub fn traceparent() -> (String, String) {
    let trace = Uuid::new_v4().simple().to_string();
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    (trace, parent)
}

/// What the API there made of one task within `limit`, and how often it was sent. Its key makes it the same task each time.
pub async fn post(client: &Client, api: &str, title: &str, limit: Duration) -> (Answer, u32) {
    let body = serde_json::json!({ "title": title }).to_string();
    let request = Request::post(format!("{api}/tasks"))
        .header(CONTENT_TYPE, "application/json")
        // A client has a trace: the API begins none where nothing records it.
        .header("traceparent", traceparent().1)
        .header(IDEMPOTENCY_KEY, Uuid::new_v4().to_string())
        .body(Full::new(Bytes::from(body)));
    let answer = match request {
        Ok(request) => client.send(request, limit).await,
        Err(error) => Err(error.into()),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let failed = Answer::Failed {
                status: None,
                retry_after: false,
                message: format!("{error:#}"),
            };
            return (failed, 1);
        }
    };
    let said = match answer.json::<Created>() {
        Ok(created) if answer.status == StatusCode::OK => Answer::Acknowledged(created.id),
        _ => Answer::Failed {
            status: Some(answer.status.as_u16()),
            retry_after: answer.headers.contains_key(RETRY_AFTER),
            message: answer.text(),
        },
    };
    (said, answer.sent)
}
