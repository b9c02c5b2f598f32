//! One publisher for each topic, and what they need of the process: readiness, and an end.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use dapr_pubsub::{Publisher, Sidecar};
use tokio::time::Instant;

use super::{Announcer, PublishArgs, watch};
use crate::readiness::{Condition, Readiness};
use crate::topics::{Declares, Topics};

/// The publishing part of a service.
pub(crate) struct Publishers<'a> {
    sidecar: &'a Sidecar,
    args: &'a PublishArgs,
    by_topic: Arc<BTreeMap<&'static str, Publisher>>,
    condition: Condition,
}

impl<'a> Publishers<'a> {
    /// Call it inside a runtime.
    pub(crate) fn new<D: Declares>(
        sidecar: &'a Sidecar,
        args: &'a PublishArgs,
        topics: &Topics<D>,
        readiness: &Readiness,
    ) -> Self {
        let publisher = |topic: &str| Publisher::new(sidecar, args.options(topic));
        let by_topic = topics.published().map(|(key, it)| (key, publisher(it)));
        Self {
            sidecar,
            args,
            by_topic: Arc::new(by_topic.collect()),
            condition: readiness.condition("pubsub", "the sidecar has not been asked yet"),
        }
    }

    pub(crate) fn announcer(&self) -> Announcer {
        Announcer::new(Arc::clone(&self.by_topic), self.args.publish_deadline)
    }

    /// Watches the way to the broker for ever.
    pub(crate) async fn watch(&self) -> Infallible {
        let any = self.by_topic.values().next();
        watch::watch(self.sidecar, self.args, any, &self.condition).await
    }

    /// Sends what waits; nobody publishes any more.
    pub(crate) async fn end(&self, deadline: Duration) {
        let deadline = Instant::now() + deadline;
        let mut left = 0;
        for publisher in self.by_topic.values() {
            left += publisher.shutdown(deadline - Instant::now()).await;
        }
        if left > 0 {
            tracing::warn!(
                events = left,
                "events were not acknowledged before the shutdown deadline; nobody was told that they were"
            );
        }
    }
}
