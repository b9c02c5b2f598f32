//! `task-api`: takes `POST /tasks` and announces `task.created` through its Dapr sidecar.
//!
//! A 200 means that the broker acknowledged the event; nothing else does.

mod config;
mod event;
mod router;
mod tasks;

use service_kit::publishing;
use service_kit::shutdown::Shutdown;

pub use config::{Config, Declared};
pub use event::TaskCreated;
pub use router::openapi;
pub use service_kit::publishing::IDEMPOTENCY_KEY;
pub use service_kit::service::Listeners;

/// Serves until the shutdown has run its course: requests in hand are answered, then queued events are sent.
///
/// # Errors
/// The sidecar's address cannot be used.
pub async fn run(config: Config, listeners: Listeners, shutdown: Shutdown) -> anyhow::Result<()> {
    let Config {
        service,
        publish,
        topics,
    } = &config;
    publishing::serve(
        service,
        publish,
        topics,
        router::routes(),
        listeners,
        shutdown,
    )
    .await
}
