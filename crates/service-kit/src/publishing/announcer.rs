//! From a request to an acknowledged event.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use dapr_pubsub::{NewEvent, PublishError, Publisher};
use http::StatusCode;
use http::request::Parts;
use serde::Serialize;
use uuid::Uuid;

use crate::problem::Problem;

/// A sidecar or a broker that restarts is usually back by then.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The data of an event that says that something was created.
pub trait Announcement: Serialize {
    /// What was created, in a word: `task`.
    const NOUN: &'static str;
    /// What kind of event it is: `task.created`.
    const EVENT_TYPE: &'static str;

    /// The id of what was created.
    fn id(&self) -> Uuid;

    /// The CloudEvent's id: the same for the same task, so that however often a publish is tried or a client asks again,
    /// subscribers can tell that it is one event.
    fn event_id(&self) -> Uuid {
        Uuid::new_v5(&self.id(), Self::EVENT_TYPE.as_bytes())
    }
}

/// Announces what the API's handlers create: the state of its router, and an argument of a handler.
#[derive(Debug, Clone)]
pub struct Announcer {
    publisher: Publisher,
    deadline: Duration,
}

impl Announcer {
    pub(super) fn new(publisher: Publisher, deadline: Duration) -> Self {
        Self {
            publisher,
            deadline,
        }
    }

    /// Publishes the event, and returns its id when the broker has acknowledged it.
    ///
    /// # Errors
    /// What the client is told; the cause goes into the log, here and nowhere else.
    pub async fn announce<A: Announcement>(&self, created: &A) -> Result<String, Problem> {
        let event_id = created.event_id().to_string();
        let event = NewEvent::json(&event_id, created)
            .map_err(refusal::<A>)?
            // Events of one task keep their order where the broker has partitions.
            .with_partition_key(created.id().to_string());
        let published = self.publisher.publish(event, self.deadline).await;
        published.map_err(refusal::<A>)?;
        Ok(event_id)
    }
}

impl FromRequestParts<Self> for Announcer {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &Self) -> Result<Self, Infallible> {
        Ok(state.clone())
    }
}

fn refusal<A: Announcement>(error: PublishError) -> Problem {
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
            format!(
                "The event may have been taken. Send the request again; with an Idempotency-Key it stays one {}.",
                A::NOUN
            ),
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
