//! The way of an event, proven before anything depends on it: sidecar, broker, subscription, handler, inbox.

mod canaries;
mod components;

use anyhow::{Result, bail};
use dapr_pubsub::Sidecar;
use futures_util::future::join_all;

use crate::Config;
use crate::deadline::Deadline;

pub(crate) async fn run(sidecar: &Sidecar, config: &Config) -> Result<String> {
    let deadline = Deadline::after(config.deadline);
    let expected = config.expected();
    let store = config.store();
    let reads = store.filter(|_| !expected.consumers().is_empty());
    components::wait(sidecar, config, reads, deadline).await?;

    let topics = expected
        .topics()
        .map(|(topic, consumers)| canaries::send(sidecar, config, topic, consumers, deadline));
    let (mut proofs, mut failures) = (Vec::new(), Vec::new());
    for result in join_all(topics).await {
        match result {
            Ok(proof) => proofs.push(proof),
            Err(failure) => failures.push(format!("{failure:#}")),
        }
    }
    if !failures.is_empty() {
        bail!("{}", failures.join("; "));
    }
    Ok(proofs.join("; "))
}
