//! What the worker does with an order.

use anyhow::anyhow;
use dapr_pubsub::CloudEvent;
use serde::{Deserialize, Serialize};
use service_kit::effect::{EffectError, shown};
use service_kit::fields::is_blank;
use uuid::Uuid;

/// The data of an `order.created` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCreated {
    /// What kind of event it is.
    pub event_type: String,
    /// The order.
    pub order_id: Uuid,
    /// What is ordered.
    pub product: String,
    /// How many.
    pub quantity: u32,
}

impl OrderCreated {
    /// Refuses an event that has the right shape and still makes no sense; delivering it again cannot help.
    pub(crate) fn check(&self) -> Result<(), EffectError> {
        let problem = match self {
            Self { event_type, .. } if event_type != "order.created" => {
                anyhow!("event_type is `{event_type}`, not `order.created`")
            }
            Self { product, .. } if is_blank(product) => anyhow!("product is empty"),
            Self { quantity: 0, .. } => anyhow!("quantity is 0"),
            _ => return Ok(()),
        };
        Err(EffectError::Permanent(problem))
    }
}

/// The work that an order asks for. This is the part to replace.
pub trait Effect: Send + Sync + 'static {
    /// Does the work, and says so even where an earlier attempt has done it that nobody knows of.
    ///
    /// # Errors
    /// [`EffectError::Transient`] has the event delivered again, [`EffectError::Permanent`] sends it to the dead letters.
    fn apply(
        &self,
        event: &CloudEvent<OrderCreated>,
    ) -> impl Future<Output = Result<(), EffectError>> + Send;
}

/// A log line for each order.
#[derive(Debug)]
pub struct LogOrder;

impl Effect for LogOrder {
    async fn apply(&self, event: &CloudEvent<OrderCreated>) -> Result<(), EffectError> {
        let data = serde_json::to_string(&event.data)
            .map_err(|error| EffectError::Permanent(error.into()))?;
        service_kit::telemetry::written().await;
        tracing::info!("EVENT RECEIVED: {}", shown(&data));
        Ok(())
    }
}
