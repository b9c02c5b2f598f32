//! One event's trace, as both services' logs show it.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use local_stack::Stack;

const FIELD: &str = "trace_id=";

/// The trace id of a task, after checking that publisher and subscriber agree on it.
pub(super) fn of_task(stack: &Stack, task: &str) -> Result<String> {
    let published = in_log(&stack.api_log(), task)?;
    let received = in_log(&stack.worker_log(), task)?;
    ensure!(
        published == received,
        "the trace breaks: task-api has {published}, task-worker has {received}"
    );
    Ok(published)
}

/// The trace id on the first line that names the task.
fn in_log(log: &Path, task: &str) -> Result<String> {
    let text = std::fs::read_to_string(log).with_context(|| log.display().to_string())?;
    let line = text
        .lines()
        .find(|line| line.contains(task) && line.contains(FIELD));
    let line = line.with_context(|| {
        format!(
            "{} has no line with a trace id for task {task}",
            log.display()
        )
    })?;
    let (_, id) = line.rsplit_once(FIELD).unwrap_or_default();
    let id: String = id
        .trim_start_matches('"')
        .chars()
        .take_while(char::is_ascii_hexdigit)
        .collect();
    ensure!(
        id.len() == 32 && id.bytes().any(|digit| digit != b'0'),
        "not a trace id: {line}"
    );
    Ok(id)
}
