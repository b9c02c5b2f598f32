//! One event's trace, as both services' logs show it.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use local_stack::Stack;

/// The trace id of a task, after checking that publisher and subscriber agree on it.
pub(super) fn of_task(stack: &Stack, task: &str) -> Result<String> {
    let published = in_log(&stack.log("task-api"), task)?;
    let received = in_log(&stack.log("task-worker"), task)?;
    ensure!(
        published == received,
        "the trace breaks: task-api has {published}, task-worker has {received}"
    );
    Ok(published)
}

/// The trace id on the first line that names the task.
fn in_log(log: &Path, task: &str) -> Result<String> {
    let text = std::fs::read_to_string(log).with_context(|| log.display().to_string())?;
    let mut lines = text.lines().filter(|line| line.contains(task));
    let id = lines.find_map(|line| {
        let (_, id) = line.rsplit_once("trace_id=")?;
        id.trim_start_matches('"').get(..32)
    });
    let id = id.with_context(|| format!("{} has no trace of task {task}", log.display()))?;
    ensure!(
        id.bytes().all(|digit| digit.is_ascii_hexdigit()) && id.bytes().any(|digit| digit != b'0'),
        "not a trace id: {id}"
    );
    Ok(id.to_owned())
}
