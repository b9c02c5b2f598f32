//! Boots `task-load`.

use std::process::ExitCode;

use service_kit::{boot, config};
use task_load::Config;

fn main() -> ExitCode {
    // The chart tells it to every service that hears.
    if std::env::var_os("CONSUMER").is_some() {
        return boot::service("task-load", task_load::relay::run);
    }
    let config: Config = match config::parse() {
        Ok(config) => config,
        Err(code) => return code,
    };
    let telemetry = config.telemetry.clone();
    boot::run(
        "task-load",
        &telemetry,
        task_probe::AT_ONCE,
        async |shutdown| task_load::run(&config, &shutdown).await,
    )
}
