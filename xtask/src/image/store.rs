//! A place for buildah to work in.
//!
//! It is a folder of its own that goes again: nothing of the user's images or of another run's is touched or used, and a
//! second run starts from nothing, as a check of reproducibility must.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::folder::WorkFolder;
use harness::workspace;
use tokio::process::Command;
use tokio::time::timeout;

/// Copying some megabytes takes a second; a busy machine more.
const LIMIT: Duration = Duration::from_mins(5);

/// A place for buildah to work in.
#[derive(Debug)]
pub(crate) struct Store<'a> {
    buildah: &'a Path,
    folder: WorkFolder,
}

impl<'a> Store<'a> {
    /// An empty one.
    pub(crate) fn new(buildah: &'a Path) -> Result<Self> {
        let folder = WorkFolder::create(&workspace().join("target/images/store"))?;
        Ok(Self { buildah, folder })
    }

    /// Where else to put something for as long.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs buildah and returns its standard output.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Result<String> {
        let command = Command::new(self.buildah)
            // Plain folders: the driver that works everywhere, and our layers are one file each.
            .arg("--storage-driver=vfs")
            .arg("--root")
            .arg(self.folder().join("root"))
            .arg("--runroot")
            .arg(self.folder().join("run"))
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = timeout(LIMIT, command).await.with_context(|| {
            format!("buildah {}: no end after {LIMIT:?}", arguments.join(" "))
        })??;
        ensure!(
            output.status.success(),
            "buildah {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}
