//! __description__.

__modules__

use dapr_pubsub::{Inbox, Subscriptions};
use service_kit::publishing::Announcer;
use service_kit::relaying;
use service_kit::service::Listeners;
use service_kit::shutdown::Shutdown;

service_kit::service_config! {
    /// __description__.
    publishing [__announced__]
    subscribing [__heard__]
    { listen_addr: "127.0.0.1:__port__", consumer: "__name__" }
}

/// Serves until the shutdown has run its course.
///
/// # Errors
/// The sidecar's address cannot be used.
pub async fn run(config: Config, listeners: Listeners, shutdown: Shutdown) -> anyhow::Result<()> {
    let declare = |subscriptions: Subscriptions<Announcer>, inbox: Option<Inbox>| {
        subscriptions__handlers__
    };
    let Config { service, publish, subscribe, topics } = &config;
    relaying::serve(service, publish, subscribe, topics, declare, listeners, shutdown).await
}
