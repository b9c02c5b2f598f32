//! The configuration of `task-load`. Every option is an environment variable too.

use clap::Parser;
use service_kit::config::Check;
use service_kit::telemetry::TelemetryArgs;

/// Publishes tasks at a steady rate until SIGTERM; each answer is a line of JSON.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Config {
    /// Where the API is.
    #[arg(long, env = "API_URL", default_value = "http://127.0.0.1:8000")]
    pub api_url: String,
    /// Tasks a second.
    #[arg(long, env = "LOAD_RATE", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: u32,
    /// Logs, traces, metrics.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
}

impl Check for Config {
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}
