//! Through what is published, and how long that may take.

use std::time::Duration;

use dapr_pubsub::PublisherOptions;

use crate::shutdown::ShutdownArgs;
use crate::units::{duration, name, size};

/// Through what is published, and how long that may take.
#[derive(Debug, Clone, clap::Args)]
pub struct PublishArgs {
    /// The Dapr pub/sub component that events go to.
    #[arg(long, env = "PUBSUB_NAME", default_value = "pubsub-redis", value_parser = name)]
    pub pubsub_name: String,
    /// The Dapr app-id, the source of the events; the chart sets it. With it the API makes the envelopes itself, which costs the sidecar less than
    /// half; without it the sidecar makes them.
    #[arg(long, env = "APP_ID", value_parser = name)]
    pub app_id: Option<String>,
    /// How long a request may take until the broker has acknowledged its event, retries included.
    #[arg(long, env = "PUBLISH_DEADLINE", default_value = "5s", value_parser = duration)]
    pub publish_deadline: Duration,
    /// How long one call to the sidecar may take.
    #[arg(long, env = "PUBLISH_ATTEMPT_TIMEOUT", default_value = "2s", value_parser = duration)]
    pub publish_attempt_timeout: Duration,
    /// How many events may wait for the sidecar; more are answered 429.
    #[arg(long, env = "PUBLISH_QUEUE_CAPACITY", default_value_t = 1024, value_parser = size)]
    pub publish_queue_capacity: usize,
    /// How many events go into one call.
    #[arg(long, env = "PUBLISH_MAX_BATCH", default_value_t = 128, value_parser = size)]
    pub publish_max_batch: usize,
    /// How many calls may be under way at once.
    #[arg(long, env = "PUBLISH_MAX_IN_FLIGHT", default_value_t = 2, value_parser = size)]
    pub publish_max_in_flight: usize,
    /// Topics that must have taken a canary before the process is ready, separated by commas: those that subscribers leave dead letters in. The
    /// canaries stay there.
    #[arg(long, env = "CANARY_TOPICS", value_delimiter = ',', value_parser = name)]
    pub canary_topics: Vec<String>,
}

impl PublishArgs {
    pub(super) fn options(&self, topic: &str) -> PublisherOptions {
        let mut options = PublisherOptions::new(&self.pubsub_name, topic);
        options.app_id.clone_from(&self.app_id);
        options.attempt_timeout = self.publish_attempt_timeout;
        options.queue_capacity = self.publish_queue_capacity;
        options.max_batch = self.publish_max_batch;
        options.max_in_flight = self.publish_max_in_flight;
        options
    }

    /// Refuses contradictory timings.
    ///
    /// # Errors
    /// A sentence that names the variables and what would happen.
    pub fn check(&self, shutdown: &ShutdownArgs) -> Result<(), String> {
        let (attempt, all) = (self.publish_attempt_timeout, self.publish_deadline);
        if attempt >= all {
            return Err(format!(
                "PUBLISH_ATTEMPT_TIMEOUT ({attempt:?}) must be shorter than PUBLISH_DEADLINE ({all:?}): one silent sidecar would use \
                 up the whole deadline and nothing would be tried again"
            ));
        }
        if all > shutdown.shutdown_deadline {
            return Err(format!(
                "PUBLISH_DEADLINE ({all:?}) must not exceed SHUTDOWN_DEADLINE ({:?}): requests that are still being published would \
                 be cut off when the process ends",
                shutdown.shutdown_deadline
            ));
        }
        Ok(())
    }
}
