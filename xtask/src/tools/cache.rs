//! The per-user cache: a folder per tool and version, complete when it exists, and written by one run at a time.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use harness::console::Step;
use tokio::time::sleep;

/// A file lock cannot be awaited, only tried. Whoever holds it ends: commands of an installation have a limit.
const LOCK_TRIES: Duration = Duration::from_millis(500);

/// `$TASK_PUBSUB_CACHE`, else `task-pubsub` below `$XDG_CACHE_HOME` or `~/.cache`.
pub(super) fn root() -> Result<PathBuf> {
    let set = |name| {
        env::var_os(name)
            .filter(|it| !it.is_empty())
            .map(PathBuf::from)
    };
    let own = || set("XDG_CACHE_HOME").or_else(|| Some(env::home_dir()?.join(".cache")));
    let root = set("TASK_PUBSUB_CACHE").or_else(|| Some(own()?.join("task-pubsub")));
    let root = root.context("no home folder: set TASK_PUBSUB_CACHE to a folder for tools")?;
    // Installers run in other folders, so a relative path would mean another place to them.
    Ok(std::path::absolute(root)?)
}

/// Where installations are made, before they get their name in one step.
pub(super) fn drafts(root: &Path) -> PathBuf {
    root.join("drafts")
}

/// Waits until no other run installs anything. The right to do so ends with the file.
pub(super) async fn lock(root: &Path) -> Result<File> {
    fs::create_dir_all(root).with_context(|| root.display().to_string())?;
    let file = File::create(root.join("lock"))?;
    let mut waiting = None;
    while file.try_lock().is_err() {
        let what = "waiting for another run, which installs tools";
        waiting.get_or_insert_with(|| Step::announce(what));
        sleep(LOCK_TRIES).await;
    }
    // Of a run that was killed.
    let _ = fs::remove_dir_all(drafts(root));
    Ok(file)
}
