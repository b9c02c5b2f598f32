//! What to start, and how it cannot outlive who has started it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use tokio::process::{Child, Command};

/// All that a child of the stack inherits: nothing of the caller's `DAPR_*`, `OTEL_*` or `RUST_LOG` leaks in.
const INHERITED: [&str; 6] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "JAVA_HOME",
    "LD_LIBRARY_PATH",
];

/// A program with its arguments, environment and log file.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Name in messages.
    pub name: String,
    /// The log file, appended to; its folder is created.
    pub log: PathBuf,
    program: PathBuf,
    args: Vec<OsString>,
    env: BTreeMap<String, OsString>,
    folder: Option<PathBuf>,
    inherit: bool,
}

impl Launch {
    /// A program without arguments, in the caller's folder, with a nearly empty environment.
    pub fn new(
        name: impl Into<String>,
        program: impl Into<PathBuf>,
        log: impl Into<PathBuf>,
    ) -> Self {
        Self {
            name: name.into(),
            log: log.into(),
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            folder: None,
            inherit: false,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets one environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Sets many environment variables.
    #[must_use]
    pub fn envs<'a>(mut self, env: impl IntoIterator<Item = (&'a String, &'a String)>) -> Self {
        for (name, value) in env {
            self = self.env(name, value);
        }
        self
    }

    /// Runs it in this folder.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Passes the caller's whole environment on: for build tools, which are configured by it.
    #[must_use]
    pub fn inherit_env(mut self) -> Self {
        self.inherit = true;
        self
    }

    /// Starts it in a process group of its own. On Linux it gets the parent-death signal when the *thread* ends that calls this, so that
    /// has to be one of a runtime's, or live longer in another way.
    pub fn spawn(&self) -> Result<Child> {
        let child = self.command()?.spawn();
        child.with_context(|| format!("{}", self.program.display()))
    }

    fn command(&self) -> Result<Command> {
        if let Some(folder) = self.log.parent() {
            fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        }
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("{}", self.log.display()))?;
        let mut command = match *SETPRIV {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command
                    .args(["--pdeathsig", "KILL", "--"])
                    .arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        if !self.inherit {
            command.env_clear();
            command.envs(
                INHERITED
                    .iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            );
        }
        command
            .args(&self.args)
            .envs(&self.env)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        Ok(command)
    }
}

/// `setpriv` where it is installed and knows the parent-death signal (util-linux does, busybox does not).
static SETPRIV: LazyLock<Option<&str>> = LazyLock::new(|| {
    let mut probe = std::process::Command::new("setpriv");
    probe
        .args(["--pdeathsig", "KILL", "--", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    probe
        .status()
        .is_ok_and(|status| status.success())
        .then_some("setpriv")
});
