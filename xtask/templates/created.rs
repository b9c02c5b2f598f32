//! `POST /__key__s`, and the event that it announces.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use service_kit::fields;
use service_kit::json::Json;
use service_kit::problem::Problem;
use service_kit::publishing::{Announcement, Announcer, IdempotencyKey, KeyOf, Refusals};
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;
use uuid::Uuid;

/// The body of `POST /__key__s`. Other members are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Create__Topic__ {
    #[schema(required, schema_with = title)]
    title: Option<String>,
}

fn title() -> Object {
    let description = "1 to 1000 characters, not only blanks and control characters.";
    fields::text_schema(description, "a title")
}

/// What was created and announced.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Created__Topic__ {
    /// Its id, also the event's `__module___id`.
    id: Uuid,
    /// The title as it was sent.
    title: String,
    /// `published`: the broker has acknowledged the event.
    #[schema(example = "published")]
    event: &'static str,
}

/// `__key__.created`: `{"event_type": "__key__.created", "__module___id": "<uuid>", "title": "..."}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct __Topic__Created<'a> {
    /// What kind of event it is.
    event_type: &'static str,
    /// What was created.
    __module___id: Uuid,
    /// Its title.
    title: &'a str,
}

impl Announcement for __Topic__Created<'_> {
    const TOPIC: &'static str = "__key__";
    const NOUN: &'static str = "__key__";
    const EVENT_TYPE: &'static str = "__key__.created";

    fn id(&self) -> Uuid {
        self.__module___id
    }
}

/// Creates one and announces it.
///
/// The answer comes when the broker has acknowledged the event `__key__.created`. After any other answer, or none, the same
/// request may be sent again; with the same `Idempotency-Key` and body nothing else is created.
#[utoipa::path(
    post,
    path = "/__key__s",
    params(KeyOf<__Topic__Created<'static>>),
    request_body = Create__Topic__,
    responses(
        (status = 200, description = "Created, and the broker has acknowledged the event", body = Created__Topic__),
        Refusals,
    )
)]
pub(crate) async fn create___module__(
    State(announcer): State<Announcer>,
    key: IdempotencyKey,
    Json(body): Json<Create__Topic__>,
) -> Result<axum::Json<Created__Topic__>, Problem> {
    let title = fields::text("title", body.title)?;
    let body = serde_json::json!({"title": title});
    let created = __Topic__Created {
        event_type: __Topic__Created::EVENT_TYPE,
        __module___id: key.id(&body.to_string()),
        title: &title,
    };
    let event_id = announcer.announce(&created).await?;
    let id = created.__module___id;
    tracing::debug!(__module___id = %id, event_id, "published");
    let event = "published";
    Ok(axum::Json(Created__Topic__ { id, title, event }))
}
