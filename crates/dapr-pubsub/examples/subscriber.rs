//! Prints tasks as they come. Listens on 8001; subscribes by itself, without a Subscription object.

use std::env;

use dapr_pubsub::{CloudEvent, Mode, Outcome, Subscription, Subscriptions};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Task {
    title: String,
}

async fn todo(event: CloudEvent<Task>) -> Outcome {
    match event.data.title.as_str() {
        "" => Outcome::Drop,
        "later" => Outcome::Retry,
        title => {
            tracing::info!(id = event.id, source = event.source, title, "received");
            Outcome::Success
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().init();
    let pubsub = env::var("PUBSUB_NAME").unwrap_or_else(|_| "pubsub".to_owned());
    let declared = Subscription::new("task-events", "/events/todo").pubsubs([pubsub]);
    let router = Subscriptions::new()
        .mode(Mode::Programmatic)
        .app_token(env::var("APP_API_TOKEN").ok().map(Into::into))
        .on(declared, todo)
        .into_router();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8001").await?;
    Ok(axum::serve(listener, router).await?)
}
