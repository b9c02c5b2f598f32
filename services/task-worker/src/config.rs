//! The configuration of `task-worker`. Every field is an environment variable; the chart sets them.

use std::path::PathBuf;

use clap::Parser;
use dapr_pubsub::Subscription;
use service_kit::asyncapi::Event;
use service_kit::config::Check;
use service_kit::service::ServiceArgs;
use service_kit::subscribing::SubscribeArgs;
use service_kit::topics::{Declares, Topics};

/// What the worker hears; the chart's Subscription names the same route.
#[derive(Debug, Clone)]
pub struct Declared;

impl Declares for Declared {
    const PUBLISHES: &'static [&'static str] = &[];
    const HEARS: &'static [(&'static str, &'static str)] = &[("task", "/events/todo")];

    fn events() -> Vec<Event> {
        Vec::new()
    }
}

/// Receives `task.created` through the Dapr sidecar and acts on each event effectively once.
#[derive(Debug, Clone, Parser)]
#[command(
    version,
    mut_arg("listen_addr", |it| it.default_value("127.0.0.1:8001")),
    mut_arg("consumer", |it| it.default_value("task-worker")),
)]
pub struct Config {
    /// What every service has.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// How events come, and how they are kept from being lost or acted on twice.
    #[command(flatten)]
    pub subscribe: SubscribeArgs,
    /// What brokers call its topic.
    #[command(flatten)]
    pub topics: Topics<Declared>,
    /// A file that remembers which events this instance has acted on, across a crash of the process.
    #[arg(long, env = "EFFECT_JOURNAL")]
    pub effect_journal: Option<PathBuf>,
}

impl Config {
    /// The one declaration of what is received.
    pub fn subscription(&self) -> Subscription {
        self.subscribe.subscription(&self.topics, "task")
    }
}

impl Check for Config {
    fn check(&self) -> Result<(), String> {
        self.subscribe.check(&self.topics, &self.service.shutdown)
    }
}

impl AsRef<ServiceArgs> for Config {
    fn as_ref(&self) -> &ServiceArgs {
        &self.service
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
            Ok::<_, clap::Error>(config.subscribe.inbox.consumer)
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
        assert!(refusal(&["--app-api-token-other", "a"]).contains("needs APP_API_TOKEN"));
        assert!(refusal(&["--app-api-token", ""]).contains("must not be empty"));
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
