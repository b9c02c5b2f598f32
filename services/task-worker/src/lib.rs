//! `task-worker`: receives `task.created` and acts on each event effectively once.
//!
//! What it does with a task is behind the trait [`Effect`]; replace [`LogTask`] with your own work.

mod config;
mod effect;
mod events;
mod task_created;

use std::sync::Arc;

use service_kit::shutdown::Shutdown;
use service_kit::subscribing;

pub use config::{Config, Declared};
pub use effect::{Effect, LogTask};
pub use service_kit::effect::EffectError;
pub use service_kit::service::Listeners;
pub use task_created::TaskCreated;

/// Serves until the shutdown has run its course: events are handled until the port closes, then those in hand are finished.
///
/// # Errors
/// The sidecar's address cannot be used.
pub async fn run<E: Effect>(
    config: Config,
    listeners: Listeners,
    effect: E,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let Config {
        service, subscribe, ..
    } = &config;
    subscribing::serve(
        service,
        subscribe,
        Arc::new(effect),
        |subscriptions, inbox| {
            subscriptions.on_once(config.subscription(), inbox, events::on_task_created::<E>)
        },
        listeners,
        shutdown,
    )
    .await
}
