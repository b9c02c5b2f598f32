//! `order-worker`: receives `order.created` and acts on each order effectively once; replace [`LogOrder`] with your own work.

mod effect;

use std::sync::Arc;

use axum::extract::State;
use dapr_pubsub::{CloudEvent, Subscriptions};
use service_kit::effect::EffectError;
use service_kit::service::Listeners;
use service_kit::shutdown::Shutdown;
use service_kit::subscribing;

pub use effect::{Effect, LogOrder, OrderCreated};

service_kit::service_config! {
    /// Receives `order.created` through the Dapr sidecar and acts on each order effectively once.
    subscribing ["order" at "/events/order"] {
        listen_addr: "127.0.0.1:8003",
        subscription_mode: "programmatic",
        consumer: "order-worker",
    }
}

async fn on_order<E: Effect>(
    State(effect): State<Arc<E>>,
    event: CloudEvent<OrderCreated>,
) -> Result<(), EffectError> {
    event.data.check()?;
    effect.apply(&event).await
}

/// Serves until the shutdown has run its course.
///
/// # Errors
/// The sidecar's address cannot be used.
pub async fn run<E: Effect>(
    config: Config,
    listeners: Listeners,
    effect: E,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let declare = |subscriptions: Subscriptions<_>, inbox| {
        subscriptions.on_once(config.subscription("order"), inbox, on_order::<E>)
    };
    let (service, subscribe) = (&config.service, &config.subscribe);
    subscribing::serve(
        service,
        subscribe,
        Arc::new(effect),
        declare,
        listeners,
        shutdown,
    )
    .await
}
