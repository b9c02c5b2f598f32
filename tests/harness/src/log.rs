//! The last lines of a log file, for error messages.

use std::path::Path;

/// The last `lines` lines that are not empty; an empty string when there is no log.
pub fn tail(path: &Path, lines: usize) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all = text.lines().filter(|line| !line.trim().is_empty());
    let all: Vec<&str> = all.collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
