//! The work folder of one stack: `target/stacks/<unique>`, gone when the stack is.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::random;

/// Locked as long as the owner lives, so that a later run can tell what a killed one left behind.
const LOCK: &str = ".owner";

/// Present in folders that the user asked to keep.
const KEEP: &str = ".keep";

/// A folder that is removed when it is dropped.
#[derive(Debug)]
pub struct WorkFolder {
    path: PathBuf,
    _lock: File,
}

impl WorkFolder {
    /// Creates a folder below `root`, after removing what killed runs left there.
    pub fn create(root: &Path) -> Result<Self> {
        sweep(root);
        let name = format!("{}-{}", std::process::id(), random());
        let (draft, path) = (root.join(format!(".{name}")), root.join(name));
        let lock =
            lock_new(&draft).with_context(|| format!("cannot create {}", draft.display()))?;
        // Only a locked folder gets a name that others look at.
        fs::rename(&draft, &path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { path, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves the folder in place for good.
    pub fn keep(&self) -> Result<()> {
        File::create(self.path.join(KEEP)).context("cannot mark the work folder as kept")?;
        Ok(())
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        if !self.path.join(KEEP).exists() {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn lock_new(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let lock = File::create(folder.join(LOCK))?;
    lock.lock()?;
    Ok(lock)
}

/// Best effort: what cannot be removed now is tried again by the next run.
fn sweep(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let folder = entry.path();
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if hidden || folder.join(KEEP).exists() {
            continue;
        }
        if let Ok(lock) = File::open(folder.join(LOCK))
            && lock.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_nothing_keeps_on_request_and_sweeps_what_a_killed_run_left() {
        let root = tempfile::tempdir().unwrap();
        let create = || WorkFolder::create(root.path()).unwrap();
        let (alive, kept) = (create(), create());
        let kept_path = kept.path().to_owned();
        kept.keep().unwrap();
        drop(kept);
        let killed = root.path().join("1-dead");
        lock_new(&killed).unwrap();

        drop(create());
        let alive_path = alive.path().to_owned();
        assert!(alive_path.exists() && kept_path.exists() && !killed.exists());

        drop(alive);
        assert!(!alive_path.exists());
    }
}
