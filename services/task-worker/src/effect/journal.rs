//! A file that remembers which events were acted on, so that a restarted process knows what a killed one had done.
//!
//! It covers the time between the effect and the inbox's *done*, which is short; so two generations of
//! [`GENERATION`] events are plenty, and the file stays small. A line is one `write` of the kernel's: it is there as soon as
//! the call returns, whatever happens to the process. It is not synced to disk: a power cut may lose the last lines.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Events in a generation; when the current one is full, the one before it is forgotten.
const GENERATION: usize = 50_000;

#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    current: HashSet<String>,
    previous: HashSet<String>,
}

impl Journal {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Self::with_capacity(path, GENERATION)
    }

    fn with_capacity(path: &Path, capacity: usize) -> io::Result<Self> {
        let mut state = State {
            current: read(path)?,
            previous: read(&older(path))?,
            file: append_to(path)?,
        };
        if is_cut(path)? {
            state.file.write_all(b"\n")?;
        }
        Ok(Self {
            path: path.to_owned(),
            capacity,
            state: Mutex::new(state),
        })
    }

    pub(super) fn contains(&self, source: &str, id: &str) -> bool {
        let entry = entry(source, id);
        let state = self.state();
        state.current.contains(&entry) || state.previous.contains(&entry)
    }

    /// Remembers an event. After an error this process knows it all the same; only the next one may not.
    pub(super) fn record(&self, source: &str, id: &str) -> io::Result<()> {
        let entry = entry(source, id);
        let line = format!("{entry}\n");
        let mut state = self.state();
        state.current.insert(entry);
        let full = state.current.len() >= self.capacity;
        let written = state.file.write_all(line.as_bytes());
        if full {
            state.previous = std::mem::take(&mut state.current);
            std::fs::rename(&self.path, older(&self.path))?;
            state.file = append_to(&self.path)?;
        }
        written
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A JSON array on one line: whatever source and id contain, an entry has no line feed and no two pairs are alike.
fn entry(source: &str, id: &str) -> String {
    serde_json::json!([source, id]).to_string()
}

fn older(path: &Path) -> PathBuf {
    path.with_added_extension("1")
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn read(path: &Path) -> io::Result<HashSet<String>> {
    match File::open(path) {
        Ok(file) => BufReader::new(file)
            .split(b'\n')
            // A line that was cut may end in the middle of a character; it is nobody's.
            .map(|line| Ok(String::from_utf8_lossy(&line?).into_owned()))
            .collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(HashSet::new()),
        Err(error) => Err(error),
    }
}

/// Whether the last line has no end: a kill may stop a `write` where a page of the file ends.
fn is_cut(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reopened_journal_knows_what_was_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        Journal::open(&path)
            .unwrap()
            .record("task-api", "a\n\"b\"")
            .unwrap();
        let journal = Journal::open(&path).unwrap();
        assert!(journal.contains("task-api", "a\n\"b\""));
        assert!(
            !journal.contains("order-api", "a\n\"b\""),
            "an id is only unique within its source"
        );
    }

    #[test]
    fn a_cut_line_does_not_take_the_next_one_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        std::fs::write(&path, b"[\"task-api\",\"a\"]\n[\"\xc3").unwrap();
        Journal::open(&path)
            .unwrap()
            .record("task-api", "b")
            .unwrap();
        let journal = Journal::open(&path).unwrap();
        for id in ["a", "b"] {
            assert!(journal.contains("task-api", id), "{id}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_known_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal")).unwrap();
        journal.state().file = append_to(Path::new("/dev/full")).unwrap();
        journal.record("task-api", "a").unwrap_err();
        assert!(journal.contains("task-api", "a"));
    }

    #[test]
    fn it_is_bounded_and_forgets_the_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::with_capacity(&path, 2).unwrap();
        for id in ["1", "2", "3", "4", "5"] {
            journal.record("task-api", id).unwrap();
        }
        for journal in [&journal, &Journal::with_capacity(&path, 2).unwrap()] {
            let known = ["1", "2", "3", "4", "5"].map(|id| journal.contains("task-api", id));
            assert_eq!(known, [false, false, true, true, true]);
        }
    }
}
