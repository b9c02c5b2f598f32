//! Registries: what is asked of them, and one of ours on loopback.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use harness::command::output;
use harness::launch::Launch;
use harness::ports::Port;
use harness::process::Process;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::process::Command;

use super::front::{Fault, Front};

/// A few megabytes over a slow line. What takes longer does not come any more.
const LIMIT: Duration = Duration::from_mins(2);

/// Until a registry of ours listens.
const START: Duration = Duration::from_secs(20);

/// Talks to registries.
#[derive(Debug, Clone)]
pub(super) struct Crane {
    program: PathBuf,
    limit: Duration,
}

impl Crane {
    pub(super) fn new(program: &Path) -> Self {
        Self {
            program: program.to_owned(),
            limit: LIMIT,
        }
    }

    /// The same with less patience.
    pub(super) fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// The digest behind a reference; none when the registry answers that there is no such thing.
    pub(super) async fn digest(&self, reference: &str) -> Result<Option<String>> {
        match self.run(&["digest", reference]).await {
            Ok(digest) => Ok(Some(digest.trim().to_owned())),
            Err(error) if is_absence(&format!("{error:#}")) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The digest of the only layer of an artifact.
    pub(super) async fn layer(&self, reference: &str) -> Result<String> {
        let manifest = self.run(&["manifest", reference]).await?;
        let manifest: Value = serde_json::from_str(&manifest)?;
        let digest = manifest["layers"][0]["digest"].as_str();
        digest
            .map(str::to_owned)
            .with_context(|| format!("{reference} has no layer"))
    }

    /// Copies everything behind a digest, to where it has no tag yet.
    pub(super) async fn copy(&self, from: &str, to: &str) -> Result<()> {
        self.run(&["copy", from, to]).await.map(drop)
    }

    /// Gives a tag to what is there.
    pub(super) async fn tag(&self, reference: &str, tag: &str) -> Result<()> {
        self.run(&["tag", reference, tag]).await.map(drop)
    }

    /// Takes a tag away.
    pub(super) async fn delete(&self, reference: &str) -> Result<()> {
        self.run(&["delete", reference]).await.map(drop)
    }

    async fn run(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        let ran = output(command, self.limit, "").await;
        ran.map_err(|error| anyhow!("{}", last_line(&format!("{error:#}"))))
            .with_context(|| format!("crane {}", arguments.join(" ")))
    }
}

/// Checks the text of `--registry`. A first part without dot and port would be taken for a name at Docker Hub.
pub(super) fn place(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('/');
    let plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || "./-_:".contains(it);
    let host = text.split('/').next().unwrap_or_default();
    if !text.chars().all(plain) {
        return Err("registries take small letters, digits, and . - _ / only".to_owned());
    }
    if !host.contains(['.', ':']) && host != "localhost" {
        return Err(format!(
            "`{host}` is not a host, such as ghcr.io or localhost:5000"
        ));
    }
    Ok(text.to_owned())
}

/// Registries say it by a code of the distribution specification, and some by the bare status.
fn is_absence(error: &str) -> bool {
    let codes = ["MANIFEST_UNKNOWN", "NAME_UNKNOWN", "404 Not Found"];
    codes.iter().any(|code| error.contains(code))
}

/// Where programs say what is the matter: in the last line that calls itself an error, else in the last one. Before it stands how often
/// it was tried, after it what else one could do.
pub(super) fn last_line(text: &str) -> &str {
    let lines = || text.trim().lines().rev();
    let error = lines().find_map(|line| line.strip_prefix("Error: "));
    error.or(lines().next()).unwrap_or_default()
}

/// A registry on loopback: empty, and gone with this value.
#[derive(Debug)]
pub(super) struct Local {
    front: Front,
    _process: Process,
    _port: Port,
}

impl Local {
    /// Starts it, on a port of its own unless one is given. Blobs lie in `folder`; manifests it keeps in mind.
    pub(super) async fn start(crane: &Path, folder: &Path, port: Option<u16>) -> Result<Self> {
        if folder.exists() {
            std::fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        let blobs = folder.join("blobs");
        std::fs::create_dir_all(&blobs).with_context(|| folder.display().to_string())?;
        let reserved = Port::reserve()?;
        let address = reserved.address();
        let launch = Launch::new("registry", crane, folder.join("registry.log"))
            .args(["registry", "serve", "--address", &address, "--disk"])
            .args([&blobs]);
        let process = Process::start(launch).await?;
        process
            .ready(START, async || {
                let connected = TcpStream::connect(&address).await;
                connected.map(drop).map_err(|error| error.to_string())
            })
            .await?;
        Ok(Self {
            front: Front::start(port, &address).await?,
            _process: process,
            _port: reserved,
        })
    }

    /// `127.0.0.1:port`.
    pub(super) fn address(&self) -> &str {
        self.front.address()
    }

    /// Lets it go wrong from now on, or no more.
    pub(super) fn set(&self, fault: Option<Fault>) {
        self.front.set(fault);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absence_is_not_a_failure_and_a_failure_is_not_absence() {
        assert!(is_absence("HEAD x: unexpected status code 404 Not Found"));
        assert!(is_absence("MANIFEST_UNKNOWN: Unknown manifest"));
        assert!(!is_absence(
            "dial tcp 127.0.0.1:1: connect: connection refused"
        ));
        assert!(!is_absence("unexpected status code 403 Forbidden"));
    }

    #[test]
    fn a_registry_is_a_host_and_a_path() {
        assert_eq!(place("ghcr.io/o/r/").unwrap(), "ghcr.io/o/r");
        assert_eq!(place("localhost/x").unwrap(), "localhost/x");
        assert!(place("127.0.0.1:5000").is_ok());
        assert!(place("owner/name").unwrap_err().contains("`owner`"));
        assert!(place("ghcr.io/Owner").is_err());
    }

    #[test]
    fn the_last_line_says_what_is_the_matter() {
        let said = "2026/01/02 03:04:05 retrying\nError: GET http://x: refused\n";
        assert_eq!(last_line(said), "GET http://x: refused");
        let said = "Error: incompatible\n\nUse --debug\n";
        assert_eq!(last_line(said), "incompatible");
        assert_eq!(last_line("a\nb\n"), "b");
    }
}
