//! Publishes each argument as a task: `publisher "write docs" "read them"`.

use std::{env, time::Duration};

use anyhow::Context as _;
use dapr_pubsub::{NewEvent, Publisher, PublisherOptions, Sidecar, SidecarOptions};
use uuid::Uuid;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().init();
    let port = env::var("DAPR_GRPC_PORT").unwrap_or_else(|_| "50001".to_owned());
    let mut options = SidecarOptions::new(format!("http://127.0.0.1:{port}"));
    options.api_token = env::var("DAPR_API_TOKEN").ok().map(Into::into);
    let sidecar = Sidecar::new(&options)?;
    let publisher = Publisher::new(&sidecar, PublisherOptions::new("pubsub", "task-events"));

    let titles: Vec<String> = env::args().skip(1).collect();
    let publish = async |title: &String| {
        let id = Uuid::now_v7().to_string();
        let task = serde_json::json!({"event_type": "task.created", "task_id": id, "title": title});
        let event = NewEvent::json(&id, &task)?.with_partition_key(&id);
        publisher
            .publish(event, Duration::from_secs(5))
            .await
            .context(id.clone())?;
        tracing::info!(id, title, "published");
        anyhow::Ok(())
    };
    let results = futures_util::future::join_all(titles.iter().map(publish)).await;
    publisher.shutdown(Duration::from_secs(5)).await;
    results.into_iter().collect()
}
