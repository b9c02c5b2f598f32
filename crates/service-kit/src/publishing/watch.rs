//! Readiness: the sidecar answers and has loaded the component that events go to, and where it is asked for, the broker takes dead letters.
//!
//! The sidecar's own health check says nothing about brokers: with the broker down it stays green, while every publish fails
//! because the component is not there. A rollout to a broker that does not answer must stop at the first new pod.

use std::convert::Infallible;
use std::time::Duration;

use crate::readiness::Condition;
use dapr_pubsub::{CANARY_TYPE, NewEvent, Publisher, Sidecar};
use uuid::Uuid;

use super::PublishArgs;

const INTERVAL: Duration = Duration::from_millis(500);
const CALL_DEADLINE: Duration = Duration::from_secs(2);

/// Asks the sidecar twice a second, for ever.
pub(super) async fn watch(
    sidecar: &Sidecar,
    args: &PublishArgs,
    publisher: Option<&Publisher>,
    condition: &Condition,
) -> Infallible {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut unproven = args.canary_topics.clone();
    // The same for every attempt: however many of them the broker has taken, it is one event.
    let canary = Uuid::now_v7().to_string();
    loop {
        interval.tick().await;
        let way = async {
            loaded(sidecar, &args.pubsub_name).await?;
            prove(publisher, args, &mut unproven, &canary).await
        };
        match way.await {
            Err(problem) => condition.not_ready(problem),
            Ok(proof) => condition.ready(proof),
        }
    }
}

/// Publishes the canary to what has not taken it, by the publisher that there is: one of its own would leave its gauge behind.
async fn prove(
    publisher: Option<&Publisher>,
    args: &PublishArgs,
    unproven: &mut Vec<String>,
    canary: &str,
) -> Result<String, String> {
    let component = &args.pubsub_name;
    while let (Some(publisher), Some(topic)) = (publisher, unproven.last()) {
        let data = format!(r#"{{"canary":"{canary}"}}"#);
        let event = NewEvent::new(canary, data, "application/json").with_kind(CANARY_TYPE);
        let event = event.with_topic(topic);
        let taken = publisher.publish(event, args.publish_deadline).await;
        taken.map_err(|error| {
            let error = anyhow::Error::new(error);
            format!("the broker of {component} does not take events for topic {topic}: {error:#}")
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
