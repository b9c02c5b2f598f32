//! What the sidecar must have loaded: it lists a component only when its `Init` has reached the broker.

use std::time::Duration;

use anyhow::{Result, bail};
use dapr_pubsub::{LoadedComponent, Sidecar};

use crate::deadline::Deadline;
use crate::{CALL, Config};

const LOOK_AGAIN: Duration = Duration::from_millis(500);

pub(super) async fn wait(
    sidecar: &Sidecar,
    config: &Config,
    store: Option<&str>,
    deadline: Deadline,
) -> Result<()> {
    loop {
        let missing = match sidecar.components(deadline.at_most(CALL)).await {
            Ok(loaded) => match missing(&loaded, config, store) {
                None => return Ok(()),
                Some(missing) => missing,
            },
            Err(error) => format!(
                "{error}. Either Dapr's injector has put no sidecar into this pod, or the log of container daprd says why it does \
                 not start"
            ),
        };
        tracing::debug!("{missing}");
        if !deadline.pause(LOOK_AGAIN).await {
            bail!("{missing} (waited {:?})", deadline.limit);
        }
    }
}

fn missing(loaded: &[LoadedComponent], config: &Config, store: Option<&str>) -> Option<String> {
    let (pubsub, app_id) = (config.pubsub_name.as_str(), &config.app_id);
    let is_there = |name: &str| loaded.iter().any(|component| component.name == name);
    let unloaded = |name, what| {
        format!(
            "component {name} is not loaded: its {what} does not answer, or {app_id} is not in its scopes; the log of container \
             daprd says which"
        )
    };
    if !is_there(pubsub) {
        return Some(unloaded(pubsub, "broker"));
    }
    store
        .filter(|store| !is_there(store))
        .map(|store| unloaded(store, "state store"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[test]
    fn what_is_missing_is_named() {
        let loaded = |names: &[&str]| -> Vec<_> {
            let component = |name: &&str| LoadedComponent::new(*name, "pubsub.redis");
            names.iter().map(component).collect()
        };
        let config = Config::parse_from(["task-probe", "preflight", "--pubsub-name=pubsub-kafka"]);
        let missing = |names: &[&str], store| missing(&loaded(names), &config, store);
        assert_eq!(missing(&["pubsub-kafka"], None), None);
        assert_eq!(missing(&["store", "pubsub-kafka"], Some("store")), None);
        let text = missing(&["pubsub-redis", "store"], Some("store")).unwrap();
        assert!(
            text.starts_with("component pubsub-kafka is not loaded: its broker does not answer")
        );
        let text = missing(&["pubsub-kafka"], Some("store")).unwrap();
        assert!(text.starts_with("component store is not loaded: its state store does not answer"));
    }
}
