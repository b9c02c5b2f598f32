//! What the handlers share.

use std::time::Duration;

use dapr_pubsub::Publisher;

use crate::config::Config;

/// State of the router.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) publisher: Publisher,
    pub(crate) publish_deadline: Duration,
}

impl App {
    pub(crate) fn new(publisher: Publisher, config: &Config) -> Self {
        Self {
            publisher,
            publish_deadline: config.publish.publish_deadline,
        }
    }
}
