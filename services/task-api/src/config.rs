//! The configuration of `task-api`. Every field is an environment variable; the chart sets them.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser};
use dapr_pubsub::PublisherOptions;
use service_kit::config::Check;
use service_kit::server::Limits;
use service_kit::shutdown::ShutdownArgs;
use service_kit::sidecar::SidecarArgs;
use service_kit::telemetry::TelemetryArgs;
use service_kit::units::{duration, name, size};

/// Takes `POST /tasks` and announces `task.created` through the Dapr sidecar.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Config {
    /// Where the API listens.
    #[arg(long, env = "LISTEN_ADDR", default_value = "0.0.0.0:8000")]
    pub listen_addr: SocketAddr,
    /// Where probes and metrics are served.
    #[arg(long, env = "ADMIN_ADDR", default_value = "0.0.0.0:9100")]
    pub admin_addr: SocketAddr,
    /// The sidecar.
    #[command(flatten)]
    pub sidecar: SidecarArgs,
    /// What is published where, and how long that may take.
    #[command(flatten)]
    pub publish: PublishArgs,
    /// What the API takes on at most.
    #[command(flatten)]
    pub limits: Limits,
    /// How the process ends.
    #[command(flatten)]
    pub shutdown: ShutdownArgs,
    /// Logs, traces, metrics.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
}

/// What is published where, and how long that may take.
#[derive(Debug, Clone, Args)]
pub struct PublishArgs {
    /// The Dapr pub/sub component that events go to.
    #[arg(long, env = "PUBSUB_NAME", default_value = "pubsub-redis", value_parser = name)]
    pub pubsub_name: String,
    /// The topic that events go to.
    #[arg(long, env = "TOPIC", default_value = "task-events", value_parser = name)]
    pub topic: String,
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
}

impl PublishArgs {
    pub(crate) fn options(&self) -> PublisherOptions {
        let mut options = PublisherOptions::new(&self.pubsub_name, &self.topic);
        options.app_id.clone_from(&self.app_id);
        options.attempt_timeout = self.publish_attempt_timeout;
        options.queue_capacity = self.publish_queue_capacity;
        options.max_batch = self.publish_max_batch;
        options.max_in_flight = self.publish_max_in_flight;
        options
    }
}

impl Check for Config {
    fn check(&self) -> Result<(), String> {
        let (attempt, all) = (
            self.publish.publish_attempt_timeout,
            self.publish.publish_deadline,
        );
        if attempt >= all {
            return Err(format!(
                "PUBLISH_ATTEMPT_TIMEOUT ({attempt:?}) must be shorter than PUBLISH_DEADLINE ({all:?}): one silent sidecar would use \
                 up the whole deadline and nothing would be tried again"
            ));
        }
        if all > self.shutdown.shutdown_deadline {
            return Err(format!(
                "PUBLISH_DEADLINE ({all:?}) must not exceed SHUTDOWN_DEADLINE ({:?}): requests that are still being published would \
                 be cut off when the process ends",
                self.shutdown.shutdown_deadline
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Config::command().debug_assert();
    }

    #[test]
    fn contradictory_timings_are_refused_with_the_consequence() {
        let refusal = |args: &[&str]| {
            Config::try_parse_from([&["task-api"], args].concat())
                .unwrap()
                .check()
                .unwrap_err()
        };
        let message = refusal(&["--publish-attempt-timeout", "5s"]);
        assert!(
            message.contains("PUBLISH_ATTEMPT_TIMEOUT")
                && message.contains("nothing would be tried again")
        );
        let message = refusal(&["--publish-deadline", "30s"]);
        assert!(message.contains("SHUTDOWN_DEADLINE") && message.contains("cut off"));
    }
}
