//! Log files that are being written, read on from where the last look ended.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, AsyncSeekExt as _, BufReader};

/// The lines of one file, or of all files of pods.
#[derive(Debug)]
pub struct Lines {
    source: PathBuf,
    /// How far each file has been read.
    offsets: BTreeMap<PathBuf, u64>,
    /// Those of pods that were handed over.
    seen: HashSet<String>,
}

impl Lines {
    /// Of the file or folder at `source`, from the beginning; a file may not be there yet. Files of a folder end in `.log`, and their
    /// lines begin with a timestamp. By that and their text they are known: each is handed over once, whichever file has it, without the
    /// timestamp.
    pub fn of(source: &Path) -> Self {
        Self {
            source: source.to_owned(),
            offsets: BTreeMap::new(),
            seen: HashSet::new(),
        }
    }

    /// Hands over the lines that were completed since the last look.
    pub async fn look(&mut self, mut line: impl FnMut(&str)) -> Result<()> {
        if !self.source.is_dir() {
            let offset = self.offsets.entry(self.source.clone()).or_default();
            return read(&self.source, offset, line).await;
        }
        for file in fs::read_dir(&self.source)? {
            let file = file?.path();
            if file.extension().is_some_and(|it| it == "log") {
                self.offsets.entry(file).or_default();
            }
        }
        for (file, offset) in &mut self.offsets {
            let once = |text: &str| {
                if self.seen.insert(text.to_owned()) {
                    line(text.split_once(' ').map_or(text, |(_, text)| text));
                }
            };
            read(file, offset, once).await?;
        }
        Ok(())
    }
}

async fn read(file: &Path, offset: &mut u64, mut line: impl FnMut(&str)) -> Result<()> {
    let mut opened = match File::open(file).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        opened => opened.with_context(|| file.display().to_string())?,
    };
    opened.seek(std::io::SeekFrom::Start(*offset)).await?;
    let mut reader = BufReader::new(opened);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = reader.read_until(b'\n', &mut bytes).await?;
        if bytes.last() != Some(&b'\n') {
            return Ok(()); // The end, or a line that is still being written.
        }
        *offset += read as u64;
        line(&String::from_utf8_lossy(&bytes));
    }
}

/// The last `lines` lines of a file that are not empty, for error messages; an empty string when there is none.
pub fn tail(path: &Path, lines: usize) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all = text.lines().filter(|line| !line.trim().is_empty());
    let all: Vec<&str> = all.collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_that_two_streams_brought_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let write = |file: &str, lines: &str| fs::write(folder.path().join(file), lines).unwrap();
        let mut lines = Lines::of(folder.path());
        let mut all = Vec::new();
        write("p-0.1.log", "1 one\n2 one\nunexpected EOF\n");
        lines.look(|line| all.push(line.to_owned())).await.unwrap();
        assert_eq!(all, ["one\n", "one\n", "EOF\n"], "two effects are two");
        write("p-0.2.log", "1 one\n2 one\n3 next\n");
        write("p-1.1.log", "3 next\n4 half of");
        write("pods.watch", "pod/p\n");
        all.clear();
        lines.look(|line| all.push(line.to_owned())).await.unwrap();
        assert_eq!(all, ["next\n"], "the stream had broken off");
    }
}
