//! The last lines of a log file, for error messages.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// No message quotes more of a log than this many bytes.
const WINDOW: u64 = 16 * 1024;

/// The last `lines` lines that are not empty; an empty string when there is no log.
pub fn tail(path: &Path, lines: usize) -> String {
    let text = window(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all = text.lines().filter(|line| !line.trim().is_empty());
    let all: Vec<&str> = all.collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn window(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(WINDOW)))?;
    let mut bytes = Vec::new();
    file.take(WINDOW).read_to_end(&mut bytes)?;
    Ok(bytes)
}
