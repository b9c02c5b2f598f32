//! What goes into the labels: the commit from git, the services from the workspace.

use std::path::Path;

use anyhow::{Context as _, Result};
use harness::workspace;
use serde::Deserialize;

use crate::{cargo, git};

/// The state of the files that images are made from.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// The workspace's.
    pub(crate) version: String,
    /// The commit, with `-dirty` when the files are not exactly that.
    pub(crate) revision: String,
    /// Its time: the only clock that the images know. In seconds, and as RFC 3339.
    pub(crate) epoch: String,
    pub(crate) created: String,
    /// Where others find it; empty when only this machine knows it.
    pub(crate) url: String,
    pub(crate) services: Vec<Service>,
}

/// A deployable.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Service {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    version: String,
    manifest_path: String,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Service>,
}

impl Source {
    /// Asks git and cargo.
    pub(crate) async fn read() -> Result<Self> {
        let metadata = cargo::run(&["metadata", "--no-deps", "--format-version=1"]).await?;
        let metadata: Metadata = serde_json::from_str(&metadata).context("cargo metadata")?;
        let folder = workspace().join("services");
        let mut services = metadata.packages;
        services.retain(|package| Path::new(&package.manifest_path).starts_with(&folder));
        let version = services.first().map(|service| service.version.clone());

        let head = git::ask(&[
            "log",
            "-1",
            "--date=format-local:%Y-%m-%dT%H:%M:%SZ",
            "--format=%H %ct %cd",
        ]);
        let head = head
            .await
            .context("images carry their commit and its time")?;
        let [commit, epoch, created] = head.split(' ').collect::<Vec<_>>()[..] else {
            anyhow::bail!("git log says `{head}`");
        };
        let changed = !git::ask(&["status", "--porcelain"]).await?.is_empty();
        let origin = git::ask(&["remote", "get-url", "origin"]).await;
        Ok(Self {
            version: version.context("no services in `services`")?,
            revision: format!("{commit}{}", if changed { "-dirty" } else { "" }),
            epoch: epoch.to_owned(),
            created: created.to_owned(),
            url: origin.ok().as_deref().and_then(public).unwrap_or_default(),
            services,
        })
    }
}

/// The address for a browser; none for a folder of this machine. What stands before an `@`, perhaps a password, goes.
fn public(remote: &str) -> Option<String> {
    let rest = match remote.split_once("://") {
        Some(("https" | "http" | "ssh", rest)) => rest.to_owned(),
        Some(_) => return None,
        // git@host:path
        None => remote.split_once('@')?.1.replacen(':', "/", 1),
    };
    let rest = rest
        .rsplit_once('@')
        .map_or(rest.as_str(), |(_, rest)| rest);
    let rest = rest.trim_end_matches('/').trim_end_matches(".git");
    Some(format!("https://{rest}"))
}

#[cfg(test)]
mod tests {
    use super::public;

    #[test]
    fn a_remote_becomes_an_address_without_secrets() {
        let expected = Some("https://git.example.com/platform/task-pubsub".to_owned());
        for remote in [
            "https://git.example.com/platform/task-pubsub.git",
            "https://user:token@git.example.com/platform/task-pubsub",
            "ssh://git@git.example.com/platform/task-pubsub.git",
            "git@git.example.com:platform/task-pubsub.git",
        ] {
            assert_eq!(public(remote), expected, "{remote}");
        }
        assert_eq!(public("/srv/task-pubsub"), None);
        assert_eq!(public("file:///srv/task-pubsub"), None);
    }
}
