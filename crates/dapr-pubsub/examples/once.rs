//! Acts on each order once. Listens on 8003; subscribes by itself, and remembers in the state store `statestore` what is done.

use std::{env, time::Duration};

use dapr_pubsub::{
    CloudEvent, Inbox, InboxOptions, Mode, Outcome, Sidecar, SidecarOptions, Subscription,
    Subscriptions,
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct OrderCreated {
    product: String,
    quantity: u32,
}

async fn on_order(event: CloudEvent<OrderCreated>) -> Outcome {
    let OrderCreated { product, quantity } = event.data;
    if quantity == 0 {
        return Outcome::Drop;
    }
    tracing::info!(id = event.id, product, quantity, "reserved");
    Outcome::Success
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().init();
    let port = env::var("DAPR_GRPC_PORT").unwrap_or_else(|_| "50001".to_owned());
    let mut options = SidecarOptions::new(format!("http://127.0.0.1:{port}"));
    options.api_token = env::var("DAPR_API_TOKEN").ok().map(Into::into);
    let sidecar = Sidecar::new(&options)?;
    let mut options = InboxOptions::new("statestore", "order-worker");
    options.max_attempts = Some(20);
    let inbox = Inbox::new(&sidecar, options);
    let declared = Subscription::new("order-events", "/events/order").pubsubs(["pubsub"]);
    let router = Subscriptions::new()
        .mode(Mode::Programmatic)
        .on_once(declared, inbox.clone(), on_order)
        .into_router();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8003").await?;
    let interrupted = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    axum::serve(listener, router)
        .with_graceful_shutdown(interrupted)
        .await?;
    // What was interrupted is written down now: the next attempt need not wait for a claim to lapse.
    inbox.shutdown(Duration::from_secs(1)).await;
    Ok(())
}
