//! Boots `task-probe`.

use std::process::ExitCode;

use service_kit::{boot, config};
use task_probe::Config;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let config: Config = match config::parse() {
        Ok(config) => config,
        Err(code) => return code,
    };
    let telemetry = config.telemetry.clone();
    boot::run(
        "task-probe",
        &telemetry,
        task_probe::AT_ONCE,
        async |shutdown| task_probe::run(config, shutdown).await,
    )
}
