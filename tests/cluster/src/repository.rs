//! A git repository that Argo CD syncs from and the harness commits to.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::process::Command;

use crate::scenarios::Git;
use harness::{command::output, workspace};

/// Repositories of a test are near and small.
const LIMIT: Duration = Duration::from_mins(1);

/// The placeholder in `argocd/*.yaml` that users replace by their own repository.
pub(crate) const PLACEHOLDER: &str = "https://git.example.com/platform/task-pubsub.git";

/// A clone whose only branch is pushed after every commit.
pub(crate) struct Repository {
    pub(crate) folder: PathBuf,
    environment: PathBuf,
    /// What Argo CD is told.
    pub(crate) sync_url: String,
    /// One that nobody else has: Argo CD remembers for minutes where a branch was.
    pub(crate) branch: String,
}

impl Repository {
    /// A new history with the chart and `argocd/` of this working copy, and in place of the three environments one, which
    /// goes to `namespace`. The branch is called like that.
    pub(crate) async fn create(folder: &Path, git: &Git, target: (&str, &str)) -> Result<Self> {
        let (environment, namespace) = target;
        let repository = Self {
            folder: folder.to_owned(),
            environment: folder.join("argocd/environments").join(environment),
            sync_url: git.sync.clone(),
            branch: namespace.to_owned(),
        };
        fs::create_dir_all(folder)?;
        let init = format!("init --quiet --initial-branch {namespace}");
        repository.git(&init, "").await?;
        let remote = format!("remote add origin {}", git.push);
        repository.git(&remote, "").await?;
        let (charts, argocd) = (workspace().join("charts"), workspace().join("argocd"));
        let mut copy = Command::new("cp");
        copy.arg("-R").args([&charts, &argocd]).arg(folder);
        output(&mut copy, LIMIT, "").await?;
        fs::remove_dir_all(folder.join("argocd/environments"))?;
        fs::create_dir_all(&repository.environment)?;
        let config = serde_json::json!({
            "cluster": "https://kubernetes.default.svc",
            "namespace": namespace,
            "revision": namespace,
        });
        let file = repository.environment.join("config.yaml");
        fs::write(file, serde_norway::to_string(&config)?)?;
        Ok(repository)
    }

    /// Writes the environment's values, commits and pushes. Returns the commit.
    pub(crate) async fn commit(&self, values: &Value, message: &str) -> Result<String> {
        let file = self.environment.join("values.yaml");
        fs::write(file, serde_norway::to_string(values)?)?;
        self.git("add --all", "").await?;
        self.git("commit --quiet --file=-", message).await?;
        self.push().await
    }

    /// Takes the last commit back by a new one, as people do. Returns that one.
    pub(crate) async fn revert(&self) -> Result<String> {
        self.git("revert --no-edit HEAD", "").await?;
        self.push().await
    }

    pub(crate) async fn remove(&self) -> Result<()> {
        let delete = format!("push --quiet --delete origin {}", self.branch);
        self.git(&delete, "").await.map(drop)
    }

    async fn push(&self) -> Result<String> {
        let push = format!("push --quiet origin {}", self.branch);
        self.git(&push, "").await?;
        let head = self.git("rev-parse HEAD", "").await?;
        Ok(head.trim().to_owned())
    }

    async fn git(&self, line: &str, input: &str) -> Result<String> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.folder);
        for author in ["user.name=task-pubsub e2e", "user.email=e2e@example.com"] {
            command.args(["-c", author]);
        }
        let said = output(command.args(line.split(' ')), LIMIT, input).await;
        said.with_context(|| format!("git {line}"))
    }
}
