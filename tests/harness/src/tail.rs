//! A log file that is being written, read line by line from where the last look ended.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt as _, AsyncSeekExt as _, BufReader};

/// Where the last look at a file ended.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    offset: u64,
}

impl Tail {
    /// The file at `path`, from its beginning; it may not be there yet.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            offset: 0,
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How much has been read.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Hands over the lines that were completed since the last look.
    pub async fn look(&mut self, mut line: impl FnMut(&str)) -> Result<()> {
        let mut file = match File::open(&self.path).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            file => file.with_context(|| self.path.display().to_string())?,
        };
        file.seek(std::io::SeekFrom::Start(self.offset)).await?;
        let mut reader = BufReader::new(file);
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = reader.read_until(b'\n', &mut bytes).await?;
            if bytes.last() != Some(&b'\n') {
                return Ok(()); // The end, or a line that is still being written.
            }
            self.offset += read as u64;
            line(&String::from_utf8_lossy(&bytes));
        }
    }
}
