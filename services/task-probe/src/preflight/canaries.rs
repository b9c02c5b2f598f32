//! Canaries through one topic.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, bail};
use dapr_pubsub::{CANARY_TYPE, NewEvent, PublishError, Publisher, PublisherOptions, Sidecar};
use tokio::time::Instant;
use uuid::Uuid;

use crate::Config;
use crate::deadline::Deadline;
use crate::receipts::{LOOK_AGAIN, Receipts, listed};

/// One publish with its attempts. Short, so that between two of them somebody looks for what has arrived.
const PUBLISH: Duration = Duration::from_secs(5);

/// With less time than this left, none follows one that was acknowledged: the broker would be blamed for the end of our own time.
const LEAST: Duration = Duration::from_secs(2);

/// Until the next canary, at first and in the end.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Publishes canaries until every consumer has recorded one of them.
///
/// One is not enough: sidecars load a new Subscription when they hear of it, and RabbitMQ, SNS and Pub/Sub drop what is
/// published before a subscriber has bound its queue.
pub(super) async fn send(
    sidecar: &Sidecar,
    config: &Config,
    topic: &str,
    consumers: &BTreeSet<String>,
    deadline: Deadline,
) -> Result<String> {
    let (pubsub, source, store) = (config.pubsub_name.as_str(), &config.app_id, config.store());
    let publisher = Publisher::new(sidecar, PublisherOptions::new(pubsub, topic));
    let mut receipts = store.map(|store| Receipts::new(sidecar, config, store, source, consumers));
    let mut sent = Sent::default();
    let (mut next, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        let in_time = !sent.acknowledged || deadline.at_most(LEAST) == LEAST;
        if in_time && Instant::now() >= next {
            sent.publish(&publisher, config, topic, deadline).await?;
            next = Instant::now() + pause;
            pause = pause.mul_f64(1.5).min(LONGEST_PAUSE);
        }
        if sent.acknowledged {
            match &mut receipts {
                None => break,
                Some(receipts) => {
                    receipts.or_progress(pubsub, topic);
                    if receipts.look(&sent.ids, deadline).await {
                        break;
                    }
                }
            }
        }
        if !deadline.pause(LOOK_AGAIN).await {
            let waited = deadline.limit;
            match (&sent.refused, &receipts) {
                (None, Some(receipts)) => bail!(
                    "{} canaries to topic {topic} of {pubsub} in {waited:?}, all acknowledged by the broker: {}",
                    sent.ids.len(),
                    receipts.missing()
                ),
                (refused, _) => bail!(
                    "the broker of {pubsub} does not take events for topic {topic} (waited {waited:?}): {}",
                    refused
                        .as_deref()
                        .unwrap_or("there was no time for an answer")
                ),
            }
        }
    }
    let names = listed(consumers);
    Ok(match store {
        _ if consumers.is_empty() => {
            format!("{pubsub} acknowledged a canary to {topic}, to which nobody subscribes")
        }
        None => format!(
            "{pubsub} acknowledged a canary to {topic}; without a state store nobody can see whether it reached {names}"
        ),
        Some(_) => {
            format!("{pubsub} took a canary to {topic}, and what it has there comes to {names}")
        }
    })
}

/// What has been published so far.
#[derive(Default)]
struct Sent {
    /// All that may have reached the broker.
    ids: Vec<String>,
    acknowledged: bool,
    /// Why the latest was not acknowledged.
    refused: Option<String>,
}

impl Sent {
    async fn publish(
        &mut self,
        publisher: &Publisher,
        config: &Config,
        topic: &str,
        deadline: Deadline,
    ) -> Result<()> {
        let id = Uuid::now_v7().to_string();
        let data = serde_json::json!({ "canary": id });
        let mut canary = NewEvent::json(&id, &data)?.with_kind(CANARY_TYPE);
        canary.source = Some(config.app_id.clone());
        match publisher.publish(canary, deadline.at_most(PUBLISH)).await {
            Ok(()) => {
                tracing::debug!(event_id = id, "a canary was acknowledged");
                self.acknowledged = true;
                self.refused = None;
                self.ids.push(id);
            }
            Err(PublishError::Rejected { code, message, .. }) => {
                let pubsub = &config.pubsub_name;
                bail!(
                    "the sidecar refuses events for topic {topic} of {pubsub} ({code}): {message}"
                );
            }
            Err(error) => {
                if matches!(error, PublishError::Deadline { .. }) {
                    self.ids.push(id);
                }
                let error = format!("{:#}", anyhow::Error::new(error));
                tracing::debug!(error, "a canary was not acknowledged");
                self.refused = Some(error);
            }
        }
        Ok(())
    }
}
