//! The route that the sidecar delivers tasks to.

use std::sync::Arc;

use anyhow::anyhow;
use axum::extract::State;
use dapr_pubsub::CloudEvent;
use service_kit::effect::EffectError;

use crate::effect::Effect;
use crate::task_created::TaskCreated;

/// Called once for an event, and again only where nobody knows what came of it.
pub(crate) async fn on_task_created<E: Effect>(
    State(effect): State<Arc<E>>,
    event: CloudEvent<TaskCreated>,
) -> Result<(), EffectError> {
    if let Some(problem) = event.data.problem() {
        return Err(EffectError::Permanent(anyhow!(problem)));
    }
    if effect.was_applied(&event).await? {
        return Ok(());
    }
    effect.apply(&event).await
}
