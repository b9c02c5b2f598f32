//! Boots `task-gate`.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::SIGTERM;
use signal_hook::flag::register_conditional_shutdown;

/// What a shell reports of a process that SIGTERM ended.
const TERMINATED: i32 = 128 + SIGTERM;

fn main() -> ExitCode {
    let config = match task_gate::config::parse() {
        Ok(config) => config,
        Err(code) => return code,
    };
    // In a container this is process 1, for which the kernel has no default action.
    let at_once = Arc::new(AtomicBool::new(true));
    if register_conditional_shutdown(SIGTERM, TERMINATED, at_once).is_err() {
        return ExitCode::FAILURE;
    }
    task_gate::run(&config)
}
