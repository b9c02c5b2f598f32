//! `POST /tasks` as a careful client sends it.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::Value;
use task_api::IDEMPOTENCY_KEY;
use uuid::Uuid;

use crate::client::{Answer, Client};
use crate::deadline::Deadline;

/// Longer than the API's own deadline.
const REQUEST: Duration = Duration::from_secs(15);

/// Where the answer does not say when to come back.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Api {
    client: Client,
    url: String,
    deadline: Deadline,
}

impl Api {
    pub(super) fn new(base: &str, deadline: Deadline) -> Self {
        Self {
            client: Client::new(),
            url: format!("{base}/tasks"),
            deadline,
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Creates a task and checks the answer; returns the task's id.
    pub(super) async fn create(&self, title: &str) -> Result<Uuid> {
        let body = serde_json::json!({ "title": title }).to_string();
        let answer = self.post("application/json", &body).await?;
        let url = &self.url;
        ensure!(
            answer.status == StatusCode::OK,
            "POST {url} was answered {}: {}",
            answer.status,
            answer.text()
        );
        task_id(&answer.body, title)
            .with_context(|| format!("POST {url} was answered 200 with {}", answer.text()))
    }

    /// Sends it until there is an answer that another attempt would not change. The same key each time: if an answer was
    /// lost, the next attempt is the same task.
    pub(super) async fn post(&self, content_type: &str, body: &str) -> Result<Answer> {
        let key = Uuid::new_v4().to_string();
        loop {
            let request = Request::post(&self.url)
                .header(CONTENT_TYPE, content_type)
                .header(IDEMPOTENCY_KEY, &key)
                .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))?;
            let limit = self.deadline.at_most(REQUEST);
            let (problem, pause) = match self.client.send(request, limit).await {
                Ok(answer) if !is_temporary(answer.status) => return Ok(answer),
                Ok(answer) => {
                    let pause = answer.header(RETRY_AFTER).parse().map(Duration::from_secs);
                    (
                        format!("{}: {}", answer.status, answer.text()),
                        pause.unwrap_or(PAUSE),
                    )
                }
                Err(error) => (format!("{error:#}"), PAUSE),
            };
            tracing::info!(problem, ?pause, "to be sent again");
            if !self.deadline.pause(pause).await {
                bail!(
                    "POST {} has no answer but refusals for {:?}; the last: {problem}",
                    self.url,
                    self.deadline.limit
                );
            }
        }
    }
}

/// The API asks to come again (README of task-api; RFC 9110).
fn is_temporary(status: StatusCode) -> bool {
    [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ]
    .contains(&status)
}

/// `{"id": "<uuid>", "title": ..., "event": "published"}`, and nothing else.
fn task_id(body: &[u8], title: &str) -> Result<Uuid> {
    let answer: Value = serde_json::from_slice(body).context("it is not JSON")?;
    let fields = answer.as_object().context("it is not an object")?;
    let names: Vec<_> = fields.keys().map(String::as_str).collect();
    ensure!(
        fields.len() == 3,
        "it has the fields {}, not id, title and event",
        names.join(", ")
    );
    ensure!(answer["title"] == title, "its title is not the one sent");
    ensure!(
        answer["event"] == "published",
        "its event is not `published`"
    );
    let id = answer["id"].as_str().and_then(|id| id.parse().ok());
    id.context("its id is not a UUID")
}

#[cfg(test)]
mod tests {
    use super::task_id;

    #[test]
    fn an_answer_has_exactly_the_three_fields() {
        let id = "a383f0b2-1104-5859-85d3-d05b74e1493e";
        let check = |body: &str| task_id(body.as_bytes(), "t").map(|id| id.to_string());
        let good = format!(r#"{{"id":"{id}","title":"t","event":"published"}}"#);
        assert_eq!(check(&good).unwrap(), id);
        for (bad, reason) in [
            ("<html>".to_owned(), "not JSON"),
            ("[]".to_owned(), "not an object"),
            (good.replace("\"t\"", "\"u\""), "title"),
            (good.replace("published", "queued"), "event"),
            (good.replace(id, "7"), "UUID"),
            (
                good.replace('}', ",\"more\":1}"),
                "the fields event, id, more, title",
            ),
        ] {
            let said = check(&bad).unwrap_err().to_string();
            assert!(said.contains(reason), "{bad}: {said}");
        }
    }
}
