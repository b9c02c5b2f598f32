//! Readiness: the sidecar answers and has loaded the component that events go to, and where it is asked for, the broker takes dead letters.
//!
//! The sidecar's own health check says nothing about brokers: with the broker down it stays green, while every publish fails
//! because the component is not there. A rollout to a broker that does not answer must stop at the first new pod.

use std::convert::Infallible;
use std::time::Duration;

use crate::readiness::Condition;
use dapr_pubsub::{CANARY_TYPE, NewEvent, PublishError, Publisher, Sidecar};
use uuid::Uuid;

use super::PublishArgs;

const INTERVAL: Duration = Duration::from_millis(500);
const CALL_DEADLINE: Duration = Duration::from_secs(2);

/// Asks the sidecar twice a second, for ever.
pub(super) async fn watch(
    sidecar: &Sidecar,
    args: &PublishArgs,
    condition: &Condition,
) -> Infallible {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut unproven = args.canary_topics.clone();
    // The same for every attempt: however many of them the broker has taken, it is one event.
    let canary = Uuid::now_v7().to_string();
    loop {
        interval.tick().await;
        match prove(sidecar, args, &mut unproven, &canary).await {
            Err(problem) => condition.not_ready(problem),
            Ok(proof) => condition.ready(proof),
        }
    }
}

async fn prove(
    sidecar: &Sidecar,
    args: &PublishArgs,
    unproven: &mut Vec<String>,
    canary: &str,
) -> Result<String, String> {
    let component = &args.pubsub_name;
    loaded(sidecar, component).await?;
    while let Some(topic) = unproven.last() {
        publish(sidecar, args, topic, canary)
            .await
            .map_err(|error| {
                let error = anyhow::Error::new(error);
                format!(
                    "the broker of {component} does not take events for topic {topic}: {error:#}"
                )
            })?;
        unproven.pop();
    }
    Ok(format!("the sidecar has loaded component {component}"))
}

async fn loaded(sidecar: &Sidecar, component: &str) -> Result<(), String> {
    let components = sidecar.components(CALL_DEADLINE).await;
    let components = components.map_err(|it| format!("the sidecar does not answer: {it}"))?;
    if components.iter().any(|loaded| loaded.name == component) {
        return Ok(());
    }
    Err(format!(
        "the sidecar has not loaded component {component}: there is no such component in scope, or its broker does not answer; the \
         log of container daprd says which"
    ))
}

async fn publish(
    sidecar: &Sidecar,
    args: &PublishArgs,
    topic: &str,
    id: &str,
) -> Result<(), PublishError> {
    let canary = NewEvent::json(id, &serde_json::json!({ "canary": id }))?;
    let publisher = Publisher::new(sidecar, args.options(topic));
    let canary = canary.with_kind(CANARY_TYPE);
    publisher.publish(canary, args.publish_deadline).await
}
