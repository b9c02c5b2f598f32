//! __description__.

__modules__

use service_kit::publishing;
use service_kit::service::Listeners;
use service_kit::shutdown::Shutdown;
use utoipa_axum::routes;

service_kit::service_config! {
    /// __description__.
    publishing [__announced__] { listen_addr: "0.0.0.0:__port__" }
}

/// Serves until the shutdown has run its course.
///
/// # Errors
/// The sidecar's address cannot be used.
pub async fn run(config: Config, listeners: Listeners, shutdown: Shutdown) -> anyhow::Result<()> {
    let api = publishing::api(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_DESCRIPTION"))__routes__;
    let (service, publish, topics) = (&config.service, &config.publish, &config.topics);
    publishing::serve(service, publish, topics, api, listeners, shutdown).await
}
