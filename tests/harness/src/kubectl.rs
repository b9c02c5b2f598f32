//! `kubectl`, with an end to every call.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::process::Command;

use crate::chart::list;
use crate::command::output;
use crate::launch::Launch;
use crate::process::Process;

/// For calls that do not wait for anything.
const CALL: Duration = Duration::from_mins(1);

/// `kubectl` for one namespace of the cluster that `KUBECONFIG` names.
#[derive(Debug, Clone)]
pub struct Kubectl {
    program: PathBuf,
    /// What calls are about.
    pub namespace: String,
}

impl Kubectl {
    /// Whether `KUBECONFIG` names a cluster. What the user has in `~/.kube` is never touched.
    pub fn is_named() -> bool {
        env::var_os("KUBECONFIG").is_some_and(|it| !it.is_empty())
    }

    /// The program at `program`; calls are about `namespace`.
    pub fn new(program: &Path, namespace: &str) -> Self {
        let (program, namespace) = (program.to_owned(), namespace.to_owned());
        Self { program, namespace }
    }

    /// The same for another namespace.
    #[must_use]
    pub fn of(&self, namespace: &str) -> Self {
        Self::new(&self.program, namespace)
    }

    /// Runs it with the words of this line and returns what it prints. The error is what it says.
    pub async fn run(&self, line: &str) -> Result<String> {
        self.run_within(CALL, &words(line), "").await
    }

    /// The same with words that may have spaces in them, a limit of its own, and a text on standard input.
    pub async fn run_within(&self, limit: Duration, args: &[&str], input: &str) -> Result<String> {
        let mut command = Command::new(&self.program);
        command.args(["--namespace", &self.namespace]).args(args);
        output(&mut command, limit, input)
            .await
            .with_context(|| format!("kubectl -n {} {}", self.namespace, args.join(" ")))
    }

    /// Applies objects.
    pub async fn apply<'a>(&self, objects: impl IntoIterator<Item = &'a Value>) -> Result<()> {
        let (apply, list) = (["apply", "-f", "-"], list(objects));
        self.run_within(CALL, &apply, &list).await.map(drop)
    }

    /// `get` this, as JSON; an object, or a List with `items`.
    pub async fn get(&self, what: &str) -> Result<Value> {
        let said = self.run(&format!("get {what} --output=json")).await?;
        Ok(serde_json::from_str(&said)?)
    }

    /// The items of a list.
    pub async fn list(&self, what: &str) -> Result<Vec<Value>> {
        let list = self.get(what).await?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// Runs what waits by itself, for so long at most: it is told so by `--timeout`.
    pub async fn wait(&self, limit: Duration, line: &str) -> Result<()> {
        let line = format!("{line} --timeout={}s", limit.as_secs());
        let waited = self.run_within(limit + CALL, &words(&line), "").await;
        waited.map(drop)
    }

    /// Starts a call that goes on (`logs -f`, `port-forward`), with its output in a file.
    pub fn start(&self, name: &str, line: &str, log: &Path) -> Result<Process> {
        let mut launch = Launch::new(name, &self.program, log);
        let namespace = ["--namespace", &self.namespace];
        let command = launch.command.args(namespace).args(words(line));
        command.envs(env::vars_os());
        Process::start(&mut launch)
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}
