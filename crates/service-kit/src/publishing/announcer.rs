//! From a request, or an event that was heard, to an acknowledged event.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use dapr_pubsub::{CloudEvent, NewEvent, PublishError, Publisher};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::effect::EffectError;
use crate::problem::Problem;

/// A sidecar or a broker that restarts is usually back by then.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The namespace of ids of what is created because of an event; a random constant.
const FOLLOW_UPS: Uuid = Uuid::from_u128(0x2c1d_8f0e_77b4_4d0c_8a51_1f6b_93e4_c6a5);

/// The data of an event that says that something was created.
pub trait Announcement: Serialize + ToSchema {
    /// The key of the topic that it is published to: `task`.
    const TOPIC: &'static str;
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

    /// The id of what is created because of an event that was heard: the same however often that is delivered.
    fn id_after<T>(cause: &CloudEvent<T>) -> Uuid {
        let name = format!("{}\n{}\n{}", cause.source, cause.id, Self::EVENT_TYPE);
        Uuid::new_v5(&FOLLOW_UPS, name.as_bytes())
    }
}

/// Announces what handlers create, in the trace of the request or the event that they work on: the state of their
/// router.
#[derive(Debug, Clone)]
pub struct Announcer {
    publishers: Arc<BTreeMap<&'static str, Publisher>>,
    deadline: Duration,
}

impl Announcer {
    pub(super) fn new(
        publishers: Arc<BTreeMap<&'static str, Publisher>>,
        deadline: Duration,
    ) -> Self {
        Self {
            publishers,
            deadline,
        }
    }

    /// Publishes the event, and returns its id when the broker has acknowledged it.
    ///
    /// # Errors
    /// What the client is told; the cause goes into the log, here and nowhere else.
    ///
    /// # Panics
    /// When the service does not declare that it publishes to this topic.
    pub async fn announce<A: Announcement>(&self, created: &A) -> Result<String, Problem> {
        self.publish(created).await.map_err(refusal::<A>)
    }

    /// The same for a handler of events. With an id from [`Announcement::id_after`] it stays one event however often the first one is delivered.
    ///
    /// # Errors
    /// As a handler answers them: transient, unless the event could never be published.
    ///
    /// # Panics
    /// As [`announce`](Self::announce).
    pub async fn announce_after<A: Announcement>(
        &self,
        created: &A,
    ) -> Result<String, EffectError> {
        self.publish(created).await.map_err(|error| {
            let never = matches!(
                error,
                PublishError::Rejected { .. } | PublishError::Encode(_)
            );
            let cause = anyhow!(error).context(format!("{} was not published", A::EVENT_TYPE));
            if never {
                EffectError::Permanent(cause)
            } else {
                EffectError::Transient(cause)
            }
        })
    }

    async fn publish<A: Announcement>(&self, created: &A) -> Result<String, PublishError> {
        let Some(publisher) = self.publishers.get(A::TOPIC) else {
            panic!(
                "{} is not among the events of service_config!",
                A::EVENT_TYPE
            )
        };
        let event_id = created.event_id().to_string();
        let event = NewEvent::json(&event_id, created)?
            // Events of one task keep their order where the broker has partitions.
            .with_partition_key(created.id().to_string());
        publisher.publish(event, self.deadline).await?;
        Ok(event_id)
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
