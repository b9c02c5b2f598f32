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

    /// Sets environment variables.
    #[must_use]
    pub fn envs<N: Into<String>, V: Into<OsString>>(
        mut self,
        env: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let env = env.into_iter();
        self.env
            .extend(env.map(|(name, value)| (name.into(), value.into())));
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
        if let Some(folder) = self.log.parent() {
            fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        }
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("{}", self.log.display()))?;
        let mut command = if *HAS_SETPRIV {
            let mut command = Command::new(SETPRIV[0]);
            command.args(&SETPRIV[1..]).arg(&self.program);
            command
        } else {
            Command::new(&self.program)
        };
        if !self.inherit {
            let inherited = INHERITED.iter();
            let inherited = inherited.filter_map(|name| Some((name, std::env::var_os(name)?)));
            command.env_clear().envs(inherited);
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
        let child = command.spawn();
        child.with_context(|| format!("{}", self.program.display()))
    }
}

/// What stands before a program that is not to outlive us.
const SETPRIV: [&str; 4] = ["setpriv", "--pdeathsig", "KILL", "--"];

/// Whether it is installed and knows the parent-death signal: util-linux does, busybox does not.
static HAS_SETPRIV: LazyLock<bool> = LazyLock::new(|| {
    let mut probe = std::process::Command::new(SETPRIV[0]);
    let probe = probe.args(&SETPRIV[1..]).arg("true").output();
    probe.is_ok_and(|probe| probe.status.success())
});
