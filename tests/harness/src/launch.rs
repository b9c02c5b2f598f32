//! What to start, and how it cannot outlive who has started it.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
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

/// A program, which may be started again and again, and its log file.
#[derive(Debug)]
pub struct Launch {
    /// Name in messages.
    pub name: String,
    /// The log file, appended to; its folder is created.
    pub log: PathBuf,
    /// Its arguments, environment and folder.
    pub command: Command,
}

impl Launch {
    /// A program in the caller's folder, with a nearly empty environment.
    pub fn new(name: &str, program: impl AsRef<OsStr>, log: &Path) -> Self {
        let mut command = Command::new(&program);
        if *HAS_SETPRIV {
            command = Command::new(SETPRIV[0]);
            command.args(&SETPRIV[1..]).arg(program);
        }
        let inherited = INHERITED.iter();
        let inherited = inherited.filter_map(|name| Some((name, std::env::var_os(name)?)));
        command.env_clear().envs(inherited);
        let (name, log) = (name.to_owned(), log.to_owned());
        Self { name, log, command }
    }

    /// Starts it in a process group of its own. On Linux it gets the parent-death signal when the *thread* ends that calls this, so that
    /// has to be one of a runtime's, or live longer in another way.
    pub fn spawn(&mut self) -> Result<Child> {
        if let Some(folder) = self.log.parent() {
            fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        }
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("{}", self.log.display()))?;
        let command = self.command.process_group(0).stdin(Stdio::null());
        let child = command.stdout(log.try_clone()?).stderr(log).spawn();
        child.with_context(|| format!("cannot start {}", self.name))
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
