//! The configuration of `task-probe`. Every option is an environment variable too; the chart sets them.

use std::time::Duration;

use clap::{ArgAction, Parser, ValueEnum};
use http::Uri;
use service_kit::sidecar::SidecarArgs;
use service_kit::telemetry::TelemetryArgs;
use service_kit::units::{duration, name};

use crate::expected::{Expected, Pair};

/// Proves a deployment from inside it. Exit codes: 0 proven, 1 not, 64 wrongly configured.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Config {
    /// What is proven.
    #[arg(value_enum)]
    pub check: Check,
    /// How long everything together may take.
    #[arg(long, env = "PROBE_DEADLINE", default_value = "2m", value_parser = duration)]
    pub deadline: Duration,
    /// The pub/sub component that canaries are published to.
    #[arg(long, env = "PUBSUB_NAME", default_value = "pubsub-redis", value_parser = name)]
    pub pubsub_name: String,
    /// Who must receive: `topic=consumer` pairs, separated by commas. `topic=` alone: the topic has no subscriber, and the
    /// broker's acknowledgement is enough.
    #[arg(
        long,
        env = "SUBSCRIBERS",
        default_value = "task-events=task-worker",
        value_delimiter = ','
    )]
    pub subscribers: Vec<Pair>,
    /// The Dapr state store in which subscribers record events. Empty: none, and what was received cannot be seen.
    #[arg(long, env = "STATE_STORE", value_parser = name)]
    pub state_store: Option<String>,
    /// The probe's own Dapr app-id: the source of its canaries, and what must stand in the scopes of the components.
    #[arg(long, env = "APP_ID", default_value = "task-probe", value_parser = name)]
    pub app_id: String,
    /// Where the API is, for `smoke`.
    #[arg(long, env = "API_URL", default_value = "http://127.0.0.1:8000", value_parser = url)]
    pub api_url: String,
    /// The API's Dapr app-id: the source of its events.
    #[arg(long, env = "API_APP_ID", default_value = "task-api", value_parser = name)]
    pub api_app_id: String,
    /// Tell the sidecar to end afterwards. For pods whose sidecar is an ordinary container: they would not end.
    #[arg(long, env = "END_SIDECAR", default_value_t = false, action = ArgAction::Set)]
    pub end_sidecar: bool,
    /// The sidecar.
    #[command(flatten)]
    pub sidecar: SidecarArgs,
    /// Logs, traces, metrics.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
}

/// What is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Check {
    /// That a canary gets through the broker to every subscriber. Nothing else happens because of it.
    Preflight,
    /// That the API takes a task which reaches every subscriber, and refuses what is wrong.
    Smoke,
}

impl Check {
    /// As on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Smoke => "smoke",
        }
    }
}

impl Config {
    /// The state store, if there is one.
    pub(crate) fn store(&self) -> Option<&str> {
        self.state_store.as_deref()
    }

    /// Who must receive what.
    pub fn expected(&self) -> Expected {
        Expected::new(&self.subscribers)
    }
}

impl service_kit::config::Check for Config {
    fn check(&self) -> Result<(), String> {
        if self.subscribers.is_empty() {
            return Err("SUBSCRIBERS is empty: nothing would be proven".to_owned());
        }
        Ok(())
    }
}

fn url(text: &str) -> Result<String, &'static str> {
    let uri: Option<Uri> = text.parse().ok();
    match uri.filter(|uri| uri.scheme_str() == Some("http") && uri.host().is_some()) {
        Some(_) => Ok(text.trim_end_matches('/').to_owned()),
        None => Err("is not a URL like `http://task-api`"),
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
}
