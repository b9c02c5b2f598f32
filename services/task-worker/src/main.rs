//! Boots `task-worker`.

use std::process::ExitCode;

use service_kit::{boot, config};
use task_worker::{Config, Listeners, LogTask};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let config: Config = match config::parse() {
        Ok(config) => config,
        Err(code) => return code,
    };
    let effect = match LogTask::open(config.effect_journal.as_deref()) {
        Ok(effect) => effect,
        Err(error) => return config::refuse(&format!("{error:#}")),
    };
    let (telemetry, timing) = (config.telemetry.clone(), config.shutdown);
    boot::run("task-worker", &telemetry, timing, async |shutdown| {
        let listeners = Listeners::bind(&config)?;
        task_worker::run(config, listeners, effect, shutdown).await
    })
}
