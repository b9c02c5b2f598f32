//! The per-user cache: one folder per tool and version, written by one run at a time.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{Read as _, Seek as _, Write as _},
    ops::Deref,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tokio::time::sleep;

use super::{install::begin, table::Declaration};

/// Longer than all installations together on a slow machine.
const LOCK_LIMIT: Duration = Duration::from_mins(45);

/// A file lock cannot be awaited with a deadline, only tried.
const LOCK_TRIES: Duration = Duration::from_millis(500);

/// The cache folder.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    root: PathBuf,
}

/// The right to change the cache, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    cache: Cache,
    _file: File,
}

impl Cache {
    /// `$TASK_PUBSUB_CACHE`, else `task-pubsub` below `$XDG_CACHE_HOME` or `~/.cache`.
    pub(crate) fn open() -> Result<Self> {
        let set = |name: &str| {
            env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let own = || {
            Some(
                set("XDG_CACHE_HOME")
                    .or_else(|| Some(env::home_dir()?.join(".cache")))?
                    .join("task-pubsub"),
            )
        };
        let root = set("TASK_PUBSUB_CACHE").or_else(own);
        let root =
            root.context("no home folder: set TASK_PUBSUB_CACHE to a folder for the tools")?;
        // Installers run in other folders, so a relative path would mean another place to them.
        Ok(Self {
            root: std::path::absolute(root)?,
        })
    }

    /// The cache folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of one tool; when it exists, it is complete.
    pub(crate) fn folder(&self, declaration: &Declaration) -> PathBuf {
        self.root.join(declaration.folder())
    }

    /// Waits until no other run installs anything.
    pub(crate) async fn lock(&self) -> Result<Lock> {
        fs::create_dir_all(&self.root)
            .with_context(|| format!("cannot create {}", self.root.display()))?;
        let path = self.root.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        let start = Instant::now();
        let mut waiting = None;
        while file.try_lock().is_err() {
            let mut owner = String::new();
            file.rewind()?;
            file.read_to_string(&mut owner)?;
            let step = format!("waiting for process {}, which installs tools", owner.trim());
            if start.elapsed() > LOCK_LIMIT {
                bail!("gave up {step}; it holds {}", path.display());
            }
            waiting.get_or_insert_with(|| begin(&step));
            sleep(LOCK_TRIES).await;
        }
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{}", std::process::id())?;
        let lock = Lock {
            cache: self.clone(),
            _file: file,
        };
        lock.clean()?;
        Ok(lock)
    }
}

impl Lock {
    /// An empty folder for an installation; it becomes the tool's folder by [`Lock::publish`].
    pub(crate) fn draft(&self, declaration: &Declaration) -> Result<PathBuf> {
        let draft = self.drafts().join(declaration.folder());
        fs::create_dir_all(&draft).with_context(|| format!("cannot create {}", draft.display()))?;
        Ok(draft)
    }

    /// Puts a complete draft in its place in one step.
    pub(crate) fn publish(&self, draft: &Path, declaration: &Declaration) -> Result<PathBuf> {
        let place = self.cache.folder(declaration);
        fs::rename(draft, &place).with_context(|| format!("cannot create {}", place.display()))?;
        Ok(place)
    }

    /// A fresh log for an installation.
    pub(crate) fn log(&self, declaration: &Declaration) -> Result<PathBuf> {
        let folder = self.cache.root.join("logs");
        fs::create_dir_all(&folder)?;
        let log = folder.join(format!("{}.log", declaration.folder()));
        File::create(&log).with_context(|| format!("{}", log.display()))?;
        Ok(log)
    }

    /// Drafts of a run that was killed.
    fn clean(&self) -> Result<()> {
        match fs::remove_dir_all(self.drafts()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).context("cannot clean the cache")
            }
            _ => Ok(()),
        }
    }

    fn drafts(&self) -> PathBuf {
        self.cache.root.join("drafts")
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.clean();
    }
}

impl Deref for Lock {
    type Target = Cache;

    fn deref(&self) -> &Cache {
        &self.cache
    }
}
