//! Several events in one request, each with an answer of its own
//! (`DeliverBulk` in dapr/dapr `pkg/runtime/subscription/postman/http/http.go`).

use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::activity::Active;
use super::delivery::Route;
use super::respond::{json, problem};
use crate::cloud_event::salvage_id;
use crate::{Envelope, Outcome};

/// The request. Shape: `BulkSubscribeEnvelope` in dapr/dapr `pkg/runtime/pubsub/bulksubscribe_events.go`;
/// of its other members (`id`, `type`, `topic`, `pubsub`, `metadata`) nothing is needed.
#[derive(Deserialize)]
pub(super) struct BulkBody<'a> {
    #[serde(borrow)]
    entries: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(rename = "entryId")]
    entry_id: String,
    /// The event with its envelope.
    #[serde(borrow)]
    event: &'a RawValue,
}

/// The answer. An entry without a status would be delivered again.
#[derive(Serialize)]
struct Answer {
    statuses: Vec<Status>,
}

#[derive(Serialize)]
struct Status {
    #[serde(rename = "entryId")]
    entry_id: String,
    status: Outcome,
}

impl<'a> BulkBody<'a> {
    /// `None` when this is no bulk delivery.
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}

pub(super) async fn deliver<S: Clone + Send + Sync + 'static>(
    route: &Route<S>,
    active: &Active,
    parts: &Parts,
    body: BulkBody<'_>,
    state: &S,
    deadline: Instant,
) -> Response {
    let mut deliveries = Vec::with_capacity(body.entries.len());
    for entry in body.entries {
        deliveries.push(deliver_one(
            route,
            active,
            parts.clone(),
            entry,
            state.clone(),
            deadline,
        ));
    }
    let statuses = stream::iter(deliveries)
        .buffer_unordered(route.limits.bulk_concurrency)
        .collect()
        .await;
    match serde_json::to_vec(&Answer { statuses }) {
        Ok(answer) => json(StatusCode::OK, answer.into()),
        Err(_) => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the answer could not be written",
        ),
    }
}

async fn deliver_one<S: Clone + Send + Sync + 'static>(
    route: &Route<S>,
    active: &Active,
    parts: Parts,
    entry: Entry<'_>,
    state: S,
    deadline: Instant,
) -> Status {
    // Not begun in time: the answer for the others must not wait for this one.
    let status = if Instant::now() < deadline {
        let body = entry.event.get().as_bytes();
        let unread = || (salvage_id(body), body);
        route
            .receive(
                active,
                parts,
                Envelope::parse(body),
                unread,
                state,
                deadline,
            )
            .await
    } else {
        Outcome::Retry
    };
    Status {
        entry_id: entry.entry_id,
        status,
    }
}
