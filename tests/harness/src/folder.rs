//! The work folder of one stack: `target/stacks/<unique>`, gone when the stack is.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::random;

/// Locked as long as the owner lives, so that a later run can tell what a killed one left behind. Folders that are kept have none.
const LOCK: &str = ".owner";

/// A folder that is removed when it is dropped.
#[derive(Debug)]
pub struct WorkFolder {
    /// Where it is.
    pub path: PathBuf,
    _lock: File,
}

impl WorkFolder {
    /// Creates a folder below `root`, after removing what killed runs left there.
    pub fn create(root: &Path) -> Result<Self> {
        sweep(root);
        let name = format!("{}-{}", std::process::id(), random());
        let (draft, path) = (root.join(format!(".{name}")), root.join(name));
        let lock = || {
            fs::create_dir_all(&draft)?;
            let lock = File::create(draft.join(LOCK))?;
            lock.lock()?;
            // Only a locked folder gets a name that others look at.
            fs::rename(&draft, &path)?;
            std::io::Result::Ok(lock)
        };
        let lock = lock().with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { path, _lock: lock })
    }

    /// Leaves the folder in place for good.
    pub fn keep(&self) {
        let _ = fs::remove_file(self.path.join(LOCK));
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        if self.path.join(LOCK).exists() {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Best effort: what cannot be removed now is tried again by the next run.
fn sweep(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let folder = entry.path();
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if let Ok(lock) = File::open(folder.join(LOCK))
            && !hidden
            && lock.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}
