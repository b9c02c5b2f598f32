//! `POST /tasks`.

use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use dapr_pubsub::{NewEvent, PublishError};
use serde::{Deserialize, Serialize};
use service_kit::json::Json;
use service_kit::problem::Problem;
use service_kit::request::Caller;
use utoipa::ToSchema;
use uuid::Uuid;

use super::title::Title;
use crate::app::App;
use crate::event::TaskCreated;
use crate::idempotency::IdempotencyKey;

/// A sidecar or a broker that restarts is usually back by then.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The body of `POST /tasks`. Other members are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CreateTask {
    /// What is to be done: 1 to 1000 characters, not only blanks and control characters.
    #[schema(
        required,
        nullable = false,
        min_length = 1,
        max_length = 1000,
        pattern = r"[^\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]",
        example = "Learn Dapr pub/sub"
    )]
    title: Option<String>,
}

/// The task that was created and announced.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedTask {
    /// The task's id, also the event's `task_id`.
    id: Uuid,
    /// The title as it was sent.
    title: String,
    /// `published`: the broker has acknowledged the event.
    #[schema(example = "published")]
    event: &'static str,
}

/// Creates a task and announces it.
///
/// The answer comes when the broker has acknowledged the event `task.created`. After any other answer, or none, the same
/// request may be sent again; with the same `Idempotency-Key` and body it is the same task, and subscribers act on it once.
#[utoipa::path(
    post,
    path = "/tasks",
    params(("Idempotency-Key" = Option<String>, Header, nullable = false, min_length = 16, max_length = 255, pattern = "^[!-~]+$",
        description = "Makes repeating the request safe: the same key and body give the same task. Another body is another task. \
                       16 to 255 visible ASCII characters without blanks, best a random UUID: clients are not told apart, so two \
                       that send the same key and body share a task. Shorter keys are refused, since others would choose them, too.")),
    request_body = CreateTask,
    responses(
        (status = 200, description = "Created, and the broker has acknowledged the event", body = CreatedTask),
        (status = 400, description = "Not HTTP/1.1, not JSON, or an unusable Idempotency-Key", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "Another path", body = Problem, content_type = "application/problem+json"),
        (status = 405, description = "Another method", body = Problem, content_type = "application/problem+json",
            headers(("Allow" = String, description = "The methods of the path"))),
        (status = 408, description = "The body came too slowly", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The content type is not JSON, or there is a content encoding", body = Problem,
            content_type = "application/problem+json",
            headers(("Accept-Encoding" = String, description = "`identity`, where an encoding was the reason"))),
        (status = 422, description = "A field is missing or invalid; `field` names it", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests for this instance", body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds"))),
        (status = 431, description = "The head of the request is larger than 16 KiB, or has more than 100 headers"),
        (status = 500, description = "A fault of the service or its configuration", body = Problem, content_type = "application/problem+json"),
        (status = 501, description = "A transfer coding other than `chunked`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The sidecar or its component is not available; the event was not taken", body = Problem,
            content_type = "application/problem+json", headers(("Retry-After" = u64, description = "Seconds"))),
        (status = 504, description = "No acknowledgement in time; the event may have been taken", body = Problem,
            content_type = "application/problem+json", headers(("Retry-After" = u64, description = "Seconds"))),
    )
)]
pub(crate) async fn create_task(
    State(app): State<App>,
    caller: Option<Extension<Caller>>,
    key: IdempotencyKey,
    Json(task): Json<CreateTask>,
) -> Result<axum::Json<CreatedTask>, Problem> {
    let title = Title::try_from(task.title)?;
    let canonical_body = serde_json::json!({ "title": title.as_str() }).to_string();
    let id = key.task_id(&canonical_body);
    let created = TaskCreated::new(id, title.as_str());
    let event_id = created.event_id().to_string();
    let mut event = NewEvent::json(&event_id, &created)
        .map_err(refusal)?
        // Events of one task keep their order where the broker has partitions.
        .with_partition_key(id.to_string());
    if let Some(Extension(Caller(trace))) = caller {
        event = event.with_trace(trace);
    }
    app.publisher
        .publish(event, app.publish_deadline)
        .await
        .map_err(refusal)?;
    tracing::debug!(task_id = %id, event_id, "published");
    Ok(axum::Json(CreatedTask {
        id,
        title: title.into_string(),
        event: "published",
    }))
}

/// What the client is told; the cause goes into the log, here and nowhere else.
fn refusal(error: PublishError) -> Problem {
    let problem = match &error {
        PublishError::QueueFull { .. } => {
            return Problem::overloaded("As many events as allowed wait for the broker.");
        }
        PublishError::Unavailable { .. } | PublishError::Closed => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "/problems/broker-unavailable",
            "The broker is not available",
            "The sidecar or the broker did not take the event. Send the request again later.",
        )
        .retry_after(RETRY_AFTER),
        PublishError::Deadline { .. } => Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "/problems/publish-deadline",
            "The broker did not answer in time",
            "The event may have been taken. Send the request again; with an Idempotency-Key it stays one task.",
        )
        .retry_after(RETRY_AFTER),
        _ => Problem::internal(),
    };
    // The chain of causes: what the publisher says, then what the sidecar said.
    let cause = anyhow::Error::new(error);
    tracing::warn!(
        status = problem.status,
        cause = format!("{cause:#}"),
        "not published"
    );
    problem
}
