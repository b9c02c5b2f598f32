//! Signs by cosign: keyless, as the workflow that this runs in, or with a key.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use harness::command::output;
use tokio::process::Command;

use super::registry::last_line;

/// Certificate, signature, transparency log, registry.
const LIMIT: Duration = Duration::from_mins(2);

/// With what is signed.
#[derive(Debug, Clone)]
pub(super) enum Identity {
    /// A certificate for the identity that the surroundings tell of: in GitHub Actions the workflow's.
    Keyless,
    /// A private key. Nothing is written to a public log.
    Key(PathBuf),
}

/// What is told about an artifact, by the name that cosign has for it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Statement {
    /// A CycloneDX BOM.
    Sbom,
    /// SLSA provenance 1.
    Provenance,
}

/// Signs.
#[derive(Debug, Clone)]
pub(super) struct Signer {
    cosign: PathBuf,
    identity: Identity,
}

impl Signer {
    pub(super) fn new(cosign: &Path, identity: Identity) -> Self {
        Self {
            cosign: cosign.to_owned(),
            identity,
        }
    }

    /// Signs what a digest names, and of an index all that it names.
    pub(super) async fn sign(&self, reference: &str) -> Result<()> {
        self.run(&["sign", "--recursive"], reference).await
    }

    /// Signs that the content of a file is true of what a digest names.
    pub(super) async fn attest(
        &self,
        reference: &str,
        statement: Statement,
        predicate: &Path,
    ) -> Result<()> {
        let kind = match statement {
            Statement::Sbom => "cyclonedx",
            Statement::Provenance => "slsaprovenance1",
        };
        let predicate = predicate.to_string_lossy();
        let line = ["attest", "--type", kind, "--predicate", &predicate];
        self.run(&line, reference).await
    }

    async fn run(&self, line: &[&str], reference: &str) -> Result<()> {
        let mut command = Command::new(&self.cosign);
        command.args(line).arg("--yes");
        if let Identity::Key(key) = &self.identity {
            command.arg("--key").arg(key);
            command.args(["--use-signing-config=false", "--tlog-upload=false"]);
        }
        command.arg(reference);
        let ran = output(command, LIMIT, "").await;
        ran.map(drop)
            .map_err(|error| anyhow!("{}", last_line(&format!("{error:#}"))))
            .with_context(|| format!("cosign {} {reference}", line[0]))
    }
}
