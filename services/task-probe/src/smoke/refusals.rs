//! Requests that are wrong, and the problem documents that must answer them.

use anyhow::{Context as _, Result, ensure};
use http::header::CONTENT_TYPE;
use serde_json::Value;
use service_kit::problem::PROBLEM_JSON;

use super::api::Api;
use crate::client::Answer;

struct Wrong {
    content_type: &'static str,
    body: &'static str,
    status: u16,
    /// The field that the answer must name.
    field: Option<&'static str>,
}

const JSON: &str = "application/json";

const WRONG: [Wrong; 5] = [
    wrong(JSON, "not JSON", 400, None),
    wrong("text/plain", r#"{"title": "Learn"}"#, 415, None),
    wrong(JSON, "{}", 422, Some("title")),
    wrong(JSON, r#"{"title": ""}"#, 422, Some("title")),
    wrong(JSON, r#"{"title": 5}"#, 422, Some("title")),
];

const fn wrong(
    content_type: &'static str,
    body: &'static str,
    status: u16,
    field: Option<&'static str>,
) -> Wrong {
    Wrong {
        content_type,
        body,
        status,
        field,
    }
}

/// Sends them all; returns how many there were.
pub(super) async fn check(api: &Api) -> Result<usize> {
    for wrong in &WRONG {
        let answer = api.post(wrong.content_type, wrong.body).await?;
        judge(&answer, wrong).with_context(|| {
            format!(
                "{} as {}: answered {} {}",
                wrong.body,
                wrong.content_type,
                answer.status,
                answer.text()
            )
        })?;
    }
    Ok(WRONG.len())
}

fn judge(answer: &Answer, wrong: &Wrong) -> Result<()> {
    let status = answer.status.as_u16();
    ensure!(status == wrong.status, "expected {}", wrong.status);
    let media_type = answer.header(CONTENT_TYPE);
    ensure!(
        media_type == PROBLEM_JSON,
        "its content type is `{media_type}`, not {PROBLEM_JSON}"
    );
    let problem: Value = serde_json::from_slice(&answer.body).context("it is not JSON")?;
    ensure!(problem["status"] == status, "its `status` is another one");
    for member in ["type", "title", "detail"] {
        let text = problem[member].as_str().unwrap_or_default();
        ensure!(!text.is_empty(), "it has no `{member}`");
    }
    let named = problem["field"].as_str();
    ensure!(
        named == wrong.field,
        "it names field {named:?}, not {:?}",
        wrong.field
    );
    Ok(())
}
