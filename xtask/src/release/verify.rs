//! Verifies a release as a user would: by README's commands, from nothing but the registry's address and whom to trust.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use harness::workspace;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::readme::{Commands, Step};
use super::registry::last_line;
use crate::tools::{Tool, Tools};
use harness::console;

/// What README's commands call, beside what every machine has.
pub(super) const TOOLS: [Tool; 4] = [Tool::Cosign, Tool::Crane, Tool::Helm3, Tool::Jq];

/// Stops at the first command that fails, in pipes and substitutions too, and says which one it was; of a comparison, also of what.
const STRICT: &str = r#"set -Eeuo pipefail
failed() {
  printf '\036%s\n' "$1" >&2
  case $1 in "test "*) eval "echo ${1#test }" >&2 ;; esac
}
trap 'failed "$BASH_COMMAND"' ERR
"#;

/// Who is trusted.
#[derive(Debug, Clone)]
pub(super) enum Trust {
    /// The release workflow of a repository (`OWNER/NAME` on GitHub) at the version's tag.
    Repository(String),
    /// Who has the private half of this key.
    Key(PathBuf),
}

/// A release that somebody says is there.
#[derive(Debug, Clone)]
pub(super) struct Claim<'a> {
    pub(super) tools: &'a Tools,
    /// `HOST/PATH`; none means where README has it.
    pub(super) registry: Option<String>,
    pub(super) version: String,
    pub(super) trust: Trust,
    /// Where SBOMs and provenance are written.
    pub(super) folder: PathBuf,
    /// For one step.
    pub(super) patience: Duration,
}

impl Claim<'_> {
    /// Runs the verification, and says how many steps it had. The error says which one has failed, and at what.
    pub(super) async fn verify(&self) -> Result<usize> {
        self.run_anew(true).await
    }

    /// The same without a word about what went well.
    pub(super) async fn verify_quietly(&self) -> Result<usize> {
        self.run_anew(false).await
    }

    /// Nothing that an earlier verification has written can be taken for this one's.
    async fn run_anew(&self, aloud: bool) -> Result<usize> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        self.run(&Commands::read()?.verify, &[], aloud).await
    }

    /// Installs it into a namespace of the cluster that `KUBECONFIG` names, and runs its tests.
    pub(super) async fn install(&self, namespace: &str) -> Result<usize> {
        let namespace = [("HELM_NAMESPACE", namespace)];
        self.run(&Commands::read()?.install, &namespace, true).await
    }

    async fn run(
        &self,
        steps: &[Step],
        environment: &[(&str, &str)],
        aloud: bool,
    ) -> Result<usize> {
        fs::create_dir_all(&self.folder)?;
        let said = self.folder.join(".said");
        // One shell for all, as a reader would have; what it says on its standard output is that a step has ended.
        let mut script = format!("{STRICT}exec 3>&1 >/dev/null\n{}", self.settings()?);
        for step in steps {
            script.push_str(&step.commands);
            script.push_str("\necho >&3\n");
        }
        let mut shell = Command::new("bash")
            .args(["-c", &script])
            .current_dir(&self.folder)
            .env("PATH", self.path()?)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&said)?)
            .process_group(0)
            .spawn()
            .context("cannot run bash")?;
        let _group = Group::of(&shell);
        let stdout = shell.stdout.take().context("bash has no output")?;
        let mut ends = BufReader::new(stdout).lines();
        for step in steps {
            let progress = console::Step::start_if(aloud, &step.shows);
            let error = match timeout(self.patience, ends.next_line()).await {
                Ok(Ok(Some(_))) => {
                    progress.done("");
                    continue;
                }
                Ok(_) => sentence(&fs::read_to_string(&said)?),
                Err(_) => format!(
                    "no end after {:?}: does the registry answer?",
                    self.patience
                ),
            };
            progress.failed(&error);
            bail!("\"{}\" is not so: {error}", step.shows);
        }
        Ok(steps.len())
    }

    /// The variables that the verification begins with, as shell text.
    fn settings(&self) -> Result<String> {
        let mut text = format!("VERSION={}\n", quoted(&self.version));
        match &self.trust {
            Trust::Repository(repository) => {
                text = format!("{text}REPOSITORY={}\n", quoted(repository));
                text += &Commands::read()?.trust;
            }
            Trust::Key(key) => {
                let key = std::path::absolute(key)?;
                let trust = format!("--key={} --insecure-ignore-tlog=true", key.display());
                text = format!("{text}TRUST={}\n", quoted(&trust));
            }
        }
        if let Some(registry) = &self.registry {
            text = format!("{text}REGISTRY={}\n", quoted(registry));
        }
        Ok(text)
    }

    /// The tools that were ensured, before anything of that name elsewhere.
    fn path(&self) -> Result<std::ffi::OsString> {
        let mut folders = Vec::new();
        for tool in TOOLS {
            let folder = self.tools.path(tool)?.parent().map(Path::to_owned);
            folders.extend(folder);
        }
        let path = env::var_os("PATH").unwrap_or_default();
        folders.extend(env::split_paths(&path));
        Ok(env::join_paths(folders)?)
    }
}

/// All processes of the shell, which end with this value.
struct Group(Option<Pid>);

impl Group {
    fn of(shell: &Child) -> Self {
        let id = shell.id().and_then(|id| i32::try_from(id).ok());
        Self(id.map(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

/// Where a verification writes unless somebody says otherwise.
pub(super) fn folder() -> PathBuf {
    workspace().join("target/verified")
}

/// The command that failed, and what was said of it.
fn sentence(stderr: &str) -> String {
    let (before, failed) = stderr.split_once('\u{1e}').unwrap_or((stderr, ""));
    let mut failed = failed.lines();
    let command = failed.next().unwrap_or_default().trim();
    // A comparison says nothing by itself; its two sides follow.
    let reason = match failed.next() {
        Some(sides) if command.starts_with("test ") => format!("{sides} does not hold"),
        _ => last_line(before).to_owned(),
    };
    format!("`{command}`: {reason}")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_sentence() {
        let said = "WARNING: x\nError: no signatures found\nerror during command execution: no signatures found\n\u{1e}cosign verify $TRUST \"$image\"\n";
        assert_eq!(
            sentence(said),
            "`cosign verify $TRUST \"$image\"`: no signatures found"
        );
        assert_eq!(
            sentence("something else\n\u{1e}test \"$a\" = \"$b\"\n1 = 2\n"),
            "`test \"$a\" = \"$b\"`: 1 = 2 does not hold"
        );
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }
}
