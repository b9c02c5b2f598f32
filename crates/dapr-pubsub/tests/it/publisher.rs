mod batching;
mod failures;
mod lifetime;
mod requests;

use std::time::Duration;

use dapr_pubsub::{NewEvent, PublishError, Publisher, PublisherOptions};
use serde_json::json;
use tokio::task::JoinSet;

const SECOND: Duration = Duration::from_secs(1);

fn options() -> PublisherOptions {
    let mut options = PublisherOptions::new("pubsub", "task-events");
    options.max_in_flight = 1;
    options.backoff_initial = Duration::from_millis(5);
    options.backoff_max = Duration::from_millis(20);
    options
}

fn event(id: &str) -> NewEvent {
    NewEvent::json(id, &json!({"id": id})).unwrap()
}

/// Publishes `ids` side by side; results come with their id.
fn publish_all(
    publisher: &Publisher,
    ids: &[&'static str],
    deadline: Duration,
) -> JoinSet<(&'static str, Result<(), PublishError>)> {
    let mut callers = JoinSet::new();
    for id in ids.iter().copied() {
        let publisher = publisher.clone();
        callers.spawn(async move { (id, publisher.publish(event(id), deadline).await) });
    }
    callers
}
