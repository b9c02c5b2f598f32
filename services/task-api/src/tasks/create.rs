//! `POST /tasks`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use service_kit::fields;
use service_kit::json::Json;
use service_kit::problem::Problem;
use service_kit::publishing::{Announcer, IdempotencyKey, KeyOf, Refusals};
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;
use uuid::Uuid;

use crate::event::TaskCreated;

/// The body of `POST /tasks`. Other members are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CreateTask {
    #[schema(required, schema_with = title)]
    title: Option<String>,
}

fn title() -> Object {
    fields::text_schema(
        "What is to be done: 1 to 1000 characters, not only blanks and control characters.",
        "Learn Dapr pub/sub",
    )
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
    params(KeyOf<TaskCreated<'static>>),
    request_body = CreateTask,
    responses(
        (status = 200, description = "Created, and the broker has acknowledged the event", body = CreatedTask),
        Refusals,
    )
)]
pub(crate) async fn create_task(
    State(announcer): State<Announcer>,
    key: IdempotencyKey,
    Json(task): Json<CreateTask>,
) -> Result<axum::Json<CreatedTask>, Problem> {
    let title = fields::text("title", task.title)?;
    let canonical_body = serde_json::json!({ "title": title }).to_string();
    let id = key.id(&canonical_body);
    let created = TaskCreated::new(id, &title);
    let event_id = announcer.announce(&created).await?;
    tracing::debug!(task_id = %id, event_id, "published");
    Ok(axum::Json(CreatedTask {
        id,
        title,
        event: "published",
    }))
}
