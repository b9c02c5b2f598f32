//! The configuration of `task-worker`. Every field is an environment variable; the chart sets them.

mod subscription;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser};
use dapr_pubsub::{InboxOptions, WatchdogOptions};
use service_kit::config::Check;
use service_kit::server::Limits;
use service_kit::shutdown::ShutdownArgs;
use service_kit::sidecar::SidecarArgs;
use service_kit::telemetry::TelemetryArgs;
use service_kit::units::{duration, duration_or_zero, name};

use subscription::SubscriptionArgs;

/// Receives `task.created` through the Dapr sidecar and acts on each event effectively once.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Config {
    /// Where the sidecar delivers events. Only the sidecar calls it, so loopback is enough.
    #[arg(long, env = "LISTEN_ADDR", default_value = "127.0.0.1:8001")]
    pub listen_addr: SocketAddr,
    /// Where probes and metrics are served.
    #[arg(long, env = "ADMIN_ADDR", default_value = "0.0.0.0:9100")]
    pub admin_addr: SocketAddr,
    /// The sidecar.
    #[command(flatten)]
    pub sidecar: SidecarArgs,
    /// What is received.
    #[command(flatten)]
    pub subscription: SubscriptionArgs,
    /// How an event is kept from being acted on twice.
    #[command(flatten)]
    pub inbox: InboxArgs,
    /// How often an event is tried, and how deafness is noticed.
    #[command(flatten)]
    pub delivery: DeliveryArgs,
    /// A file that remembers which events this instance has acted on, across a crash of the process.
    #[arg(long, env = "EFFECT_JOURNAL")]
    pub effect_journal: Option<PathBuf>,
    /// What the event port takes on at most.
    #[command(flatten)]
    pub limits: Limits,
    /// How the process ends.
    #[command(flatten)]
    pub shutdown: ShutdownArgs,
    /// Logs, traces, metrics.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
}

/// How an event is kept from being acted on twice.
#[derive(Debug, Clone, Args)]
pub struct InboxArgs {
    /// The name under which it is remembered what is done: all replicas of a service share it, and no other service has it,
    /// or each event would be acted on by one of the two. A new name has forgotten everything.
    #[arg(long, env = "CONSUMER", default_value = "task-worker", value_parser = name)]
    pub consumer: String,
    /// The Dapr state store that remembers events. Empty: none, and a redelivered event is acted on again.
    #[arg(long, env = "STATE_STORE", value_parser = name)]
    pub state_store: Option<String>,
    /// How long a claim on an event lasts when its owner dies.
    #[arg(long, env = "INBOX_LEASE", default_value = "10s", value_parser = duration)]
    pub inbox_lease: Duration,
    /// How long it is remembered that an event is done. Longer than the broker keeps events, and than all attempts take.
    #[arg(long, env = "INBOX_RETENTION", default_value = "168h", value_parser = duration)]
    pub inbox_retention: Duration,
}

/// How often an event is tried, and how deafness is noticed.
#[derive(Debug, Clone, Args)]
pub struct DeliveryArgs {
    /// Attempts after the first one that failed; when they are used up, the event goes to the dead letters. What is not the
    /// event's failure does not count: a state store that is away, a claim of another replica, a crash.
    #[arg(long, env = "DELIVERY_MAX_RETRIES", default_value = "20")]
    pub delivery_max_retries: u32,
    /// The sidecar's pause between two attempts (its inbound retry policy).
    #[arg(long, env = "DELIVERY_RETRY_INTERVAL", default_value = "2s", value_parser = duration)]
    pub delivery_retry_interval: Duration,
    /// How long nothing may be delivered before a canary is published to see whether anything would be; `0s` for never. Only
    /// where every subscriber of the topic knows canaries.
    #[arg(long, env = "WATCHDOG_SILENCE", default_value = "0s", value_parser = duration_or_zero)]
    pub watchdog_silence: Duration,
    /// How long such a canary may take before the sidecar is told to restart.
    #[arg(long, env = "WATCHDOG_PATIENCE", default_value = "20s", value_parser = duration)]
    pub watchdog_patience: Duration,
}

impl DeliveryArgs {
    /// How often an event is tried in all.
    pub(crate) fn attempts(&self) -> u32 {
        self.delivery_max_retries.saturating_add(1)
    }

    /// `None` where it is switched off.
    pub(crate) fn watchdog(&self) -> Option<WatchdogOptions> {
        let mut options = WatchdogOptions::new();
        (options.silence, options.patience) = (self.watchdog_silence, self.watchdog_patience);
        (!options.silence.is_zero()).then_some(options)
    }
}

impl InboxArgs {
    pub(crate) fn store(&self) -> Option<&str> {
        self.state_store.as_deref()
    }

    pub(crate) fn options(&self, delivery: &DeliveryArgs) -> Option<InboxOptions> {
        let mut options = InboxOptions::new(self.store()?, &self.consumer);
        options.lease = self.inbox_lease;
        options.retention = self.inbox_retention;
        options.max_attempts = Some(delivery.attempts());
        options.retry_pause = delivery.delivery_retry_interval;
        Some(options)
    }
}

impl Check for Config {
    fn check(&self) -> Result<(), String> {
        let (lease, handler) = (self.inbox.inbox_lease, self.subscription.handler_timeout);
        if lease <= handler {
            return Err(format!(
                "INBOX_LEASE ({lease:?}) must be longer than HANDLER_TIMEOUT ({handler:?}): a claim could lapse while its owner is \
                 still at work, and the event would be acted on twice"
            ));
        }
        if handler > self.shutdown.shutdown_deadline {
            return Err(format!(
                "HANDLER_TIMEOUT ({handler:?}) must not exceed SHUTDOWN_DEADLINE ({:?}): events in hand would be cut off when the \
                 process ends",
                self.shutdown.shutdown_deadline
            ));
        }
        let (interval, patience) = (
            self.delivery.delivery_retry_interval,
            self.delivery.watchdog_patience,
        );
        if self.delivery.watchdog().is_some() && patience <= handler + interval {
            return Err(format!(
                "WATCHDOG_PATIENCE ({patience:?}) must be longer than HANDLER_TIMEOUT ({handler:?}) and DELIVERY_RETRY_INTERVAL \
                 ({interval:?}) together: a delivery that is merely tried again would have the sidecar restarted"
            ));
        }
        let (all, retention) = (self.all_attempts(), self.inbox.inbox_retention);
        if retention <= all {
            return Err(format!(
                "INBOX_RETENTION ({retention:?}) must be longer than all attempts of an event may take (DELIVERY_MAX_RETRIES, each \
                 HANDLER_TIMEOUT and DELIVERY_RETRY_INTERVAL, and INBOX_LEASE: {all:?}): what is done would be forgotten while it \
                 can still come back, and be acted on twice"
            ));
        }
        if self.inbox.state_store.is_some() && self.subscription.subscription().is_raw() {
            return Err(
                "PUBSUB_OPTIONS asks for rawPayload, and STATE_STORE is set: daprd gives every redelivery of such an event a new id, \
                 so none would be recognised and an event could be acted on several times"
                    .to_owned(),
            );
        }
        self.subscription.check()
    }
}

impl Config {
    /// How long an event may come back because of this worker alone.
    fn all_attempts(&self) -> Duration {
        let attempt = self.subscription.handler_timeout + self.delivery.delivery_retry_interval;
        attempt
            .saturating_mul(self.delivery.attempts())
            .saturating_add(self.inbox.inbox_lease)
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
    fn a_second_subscriber_has_records_of_its_own() {
        let consumer = |args: &[&str]| {
            let args = [&["task-worker", "--state-store", "statestore"], args].concat();
            let config = Config::try_parse_from(args)?;
            Ok::<_, clap::Error>(config.inbox.options(&config.delivery).unwrap().consumer)
        };
        // The name of the records that exist: it must not change.
        assert_eq!(consumer(&[]).unwrap(), "task-worker");
        assert_eq!(
            consumer(&["--consumer", "task-audit"]).unwrap(),
            "task-audit"
        );
        assert!(consumer(&["--consumer", " "]).is_err());
    }

    #[test]
    fn contradictions_are_refused_with_the_consequence() {
        let refusal = |args: &[&str]| {
            Config::try_parse_from([&["task-worker"], args].concat())
                .unwrap()
                .check()
                .unwrap_err()
        };
        assert!(refusal(&["--inbox-lease", "5s"]).contains("acted on twice"));
        assert!(refusal(&["--shutdown-deadline", "2s"]).contains("cut off"));
        assert!(refusal(&["--subscription-mode", "programmatic"]).contains("PUBSUB_NAMES"));
        assert!(refusal(&["--inbox-retention", "1s"]).contains("INBOX_RETENTION"));
        assert!(refusal(&["--delivery-max-retries", "4294967295"]).contains("INBOX_RETENTION"));
        assert!(refusal(&["--dead-letter-topic", "task-events"]).contains("DEAD_LETTER_TOPIC"));
        assert!(refusal(&["--pubsub-names", "a,a"]).contains("PUBSUB_NAMES names a twice"));
        let options = ["--pubsub-names", "a", "--pubsub-options", r#"{"b": {}}"#];
        assert!(refusal(&options).contains("PUBSUB_OPTIONS has options for b"));
        let watchdog = ["--watchdog-silence", "1m", "--watchdog-patience", "7s"];
        assert!(refusal(&watchdog).contains("restarted"));
    }

    #[test]
    fn a_name_that_nothing_can_have_is_refused() {
        for (flag, value) in [
            ("--topic", " "),
            ("--dead-letter-topic", " "),
            ("--state-store", " "),
            ("--consumer", "a b"),
            ("--pubsub-names", "a, b"),
            ("--pubsub-names", "a,"),
            ("--inbox-lease", "10000000000years"),
        ] {
            let refusal = Config::try_parse_from(["task-worker", flag, value]).unwrap_err();
            assert!(refusal.to_string().contains(flag), "{refusal}");
        }
    }

    #[test]
    fn a_mistyped_option_of_a_component_is_refused() {
        let refusal =
            Config::try_parse_from(["task-worker", "--pubsub-options", r#"{"p": {"meta": {}}}"#])
                .unwrap_err()
                .to_string();
        assert!(refusal.contains("meta"), "{refusal}");
    }
}
