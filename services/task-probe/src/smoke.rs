//! What a client does, through the Service: a task that must be taken, and requests that must be refused.

mod api;
mod refusals;

use anyhow::{Context as _, Result, bail};
use dapr_pubsub::Sidecar;
use service_kit::publishing::Announcement as _;
use task_api::TaskCreated;

use crate::Config;
use crate::deadline::Deadline;
use crate::receipts::{LOOK_AGAIN, Receipts, listed};
use api::Api;

/// Subscribers act on it as on any other, so it says what it is.
const TITLE: &str = "task-pubsub smoke test";

pub(crate) async fn run(sidecar: &Sidecar, config: &Config) -> Result<String> {
    let deadline = Deadline::after(config.deadline);
    let api = Api::new(&config.api_url, deadline);
    let task = api.create(TITLE).await?;
    tracing::info!(task_id = %task, url = api.url(), "created");
    let refused = refusals::check(&api)
        .await
        .context("a wrong request is not refused as documented")?;

    let consumers = config.expected().consumers();
    let received = match config.store() {
        _ if consumers.is_empty() => "no subscriber is expected".to_owned(),
        None => "without a state store nobody can see who received its event".to_owned(),
        Some(store) => {
            let event = TaskCreated::new(task, TITLE).event_id().to_string();
            let source = &config.api_app_id;
            let mut receipts = Receipts::new(sidecar, config, store, source, &consumers);
            wait(&mut receipts, event, deadline).await?;
            format!("its event was received by {}", listed(&consumers))
        }
    };
    Ok(format!(
        "{} took task {task} and {received}; {refused} wrong requests were refused as documented",
        api.url()
    ))
}

async fn wait(receipts: &mut Receipts<'_>, event: String, deadline: Deadline) -> Result<()> {
    let ids = [event];
    while !receipts.look(&ids, deadline).await {
        if !deadline.pause(LOOK_AGAIN).await {
            let (event, waited) = (&ids[0], deadline.limit);
            bail!(
                "the API answered 200, but its event {event} is missing after {waited:?}: {}",
                receipts.missing()
            );
        }
    }
    Ok(())
}
