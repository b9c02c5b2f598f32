//! Boots `task-worker`.

use std::process::ExitCode;

use service_kit::boot;
use task_worker::{Config, LogTask};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let open = |config: &Config| LogTask::open(config.effect_journal.as_deref());
    boot::prepared("task-worker", open, task_worker::run)
}
