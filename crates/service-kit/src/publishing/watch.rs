//! Readiness: the sidecar answers and has loaded the component that events go to.
//!
//! The sidecar's own health check says nothing about brokers: with the broker down it stays green, while every publish fails
//! because the component is not there. A rollout to a broker that does not answer must stop at the first new pod.

use std::convert::Infallible;
use std::time::Duration;

use crate::readiness::Condition;
use dapr_pubsub::Sidecar;

const INTERVAL: Duration = Duration::from_millis(500);
const CALL_DEADLINE: Duration = Duration::from_secs(2);

/// Asks the sidecar twice a second, for ever.
pub(super) async fn watch(sidecar: &Sidecar, component: &str, condition: &Condition) -> Infallible {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        match sidecar.components(CALL_DEADLINE).await {
            Err(error) => condition.not_ready(format!("the sidecar does not answer: {error}")),
            Ok(components) if components.iter().any(|loaded| loaded.name == component) => {
                condition.ready(format!("the sidecar has loaded component {component}"));
            }
            Ok(_) => condition.not_ready(format!(
                "the sidecar has not loaded component {component}: there is no such component in scope, or its broker does not \
                 answer; the log of container daprd says which"
            )),
        }
    }
}
