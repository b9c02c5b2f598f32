//! Boots `task-load`.

use std::process::ExitCode;

use service_kit::{boot, config};
use task_load::Config;

fn main() -> ExitCode {
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
