//! What becomes of an event `__key__.created`.

use anyhow::anyhow;
use axum::extract::State;
use dapr_pubsub::CloudEvent;
use serde::{Deserialize, Serialize};
use service_kit::effect::{EffectError, shown};
use service_kit::publishing::Announcer;
use uuid::Uuid;

/// The data of `__key__.created`. Other members are ignored: add those that you need.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct __Topic__Created {
    /// What kind of event it is.
    event_type: String,
    /// What was created.
    __module___id: Uuid,
}

/// Called once for an event, and again only where nobody knows what came of it. A transient error has the event delivered again, a
/// permanent one sends it to the dead letters.
pub(crate) async fn on___module__(
    State(announcer): State<Announcer>,
    event: CloudEvent<__Topic__Created>,
) -> Result<(), EffectError> {
    if event.data.event_type != "__key__.created" {
        let problem = anyhow!("event_type is `{}`, not `__key__.created`", event.data.event_type);
        return Err(EffectError::Permanent(problem));
    }
    __announce__
    let data = serde_json::to_string(&event.data);
    let data = data.map_err(|error| EffectError::Permanent(error.into()))?;
    service_kit::telemetry::written().await;
    tracing::info!("EVENT RECEIVED: {}", shown(&data));
    Ok(())
}
