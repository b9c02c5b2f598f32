//! __description__.

__modules__

use dapr_pubsub::{Inbox, Subscriptions};
use service_kit::service::Listeners;
use service_kit::shutdown::Shutdown;
use service_kit::subscribing;

service_kit::service_config! {
    /// __description__.
    subscribing [__heard__] { listen_addr: "127.0.0.1:__port__", consumer: "__name__" }
}

/// Serves until the shutdown has run its course.
///
/// # Errors
/// The sidecar's address cannot be used.
pub async fn run(config: Config, listeners: Listeners, shutdown: Shutdown) -> anyhow::Result<()> {
    let declare = |subscriptions: Subscriptions<()>, inbox: Option<Inbox>| {
        subscriptions__handlers__
    };
    let (service, subscribe) = (&config.service, &config.subscribe);
    subscribing::serve(service, subscribe, (), declare, listeners, shutdown).await
}
