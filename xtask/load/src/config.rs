//! The configuration of `task-load`. Every option is an environment variable too.

use std::path::PathBuf;

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
    #[arg(long, env = "LOAD_RATE", default_value_t = 100, value_parser = per_second)]
    pub rate: u32,
    /// A file that says the rate instead, such as an annotation of the pod that is mounted as a file. It is read twice a second; while
    /// it says nothing that is a rate, the one before stays.
    #[arg(long, env = "LOAD_RATE_FILE")]
    pub rate_file: Option<PathBuf>,
    /// Logs, traces, metrics.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
}

impl Check for Config {
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// So many a second.
pub(crate) fn per_second(text: &str) -> Result<u32, &'static str> {
    match text.parse() {
        Ok(rate @ 1..=100_000) => Ok(rate),
        _ => Err("must be a whole number from 1 to 100000"),
    }
}
