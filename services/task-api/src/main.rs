//! Boots `task-api`.

use std::process::ExitCode;

use service_kit::{boot, config};
use task_api::{Config, Listeners};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let config: Config = match config::parse() {
        Ok(config) => config,
        Err(code) => return code,
    };
    let (telemetry, timing) = (config.telemetry.clone(), config.shutdown);
    boot::run("task-api", &telemetry, timing, async |shutdown| {
        let listeners = Listeners::bind(&config)?;
        task_api::run(config, listeners, shutdown).await
    })
}
