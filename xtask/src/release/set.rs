//! The folder between building and publishing: for each architecture what was built there, and a file that tells of it.
//!
//! `<folder>/<architecture>/set.json`, beside it an OCI image layout `<service>/` and an SBOM `<service>.cdx.json` per service. The
//! architectures may come from different machines.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use harness::workspace;
use serde::{Deserialize, Serialize};

use crate::image::Packed;
use crate::image::architecture::Architecture;
use crate::image::source::Source;

const FILE: &str = "set.json";

/// Where it is unless somebody says otherwise.
pub(super) fn folder() -> PathBuf {
    workspace().join("target/release-set")
}

/// What was built for one architecture.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) architecture: Architecture,
    pub(super) version: String,
    /// The commit.
    pub(super) revision: String,
    /// Its time, RFC 3339.
    pub(super) created: String,
    pub(super) images: Vec<Built>,
}

/// One service's image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Built {
    pub(super) service: String,
    #[serde(flatten)]
    pub(super) packed: Packed,
}

/// What a release is made of: every architecture.
#[derive(Debug, Clone)]
pub(super) struct Set {
    folder: PathBuf,
    pub(super) parts: Vec<Part>,
}

impl Part {
    pub(super) fn new(architecture: Architecture, source: &Source) -> Self {
        Self {
            architecture,
            version: source.version.clone(),
            revision: source.revision.clone(),
            created: source.created.clone(),
            images: Vec::new(),
        }
    }

    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        Ok(fs::write(
            place(folder, self.architecture).join(FILE),
            text,
        )?)
    }
}

/// Where the parts of an architecture are.
pub(super) fn place(folder: &Path, architecture: Architecture) -> PathBuf {
    folder.join(architecture.to_string())
}

impl Set {
    /// Reads what was built.
    ///
    /// # Errors
    /// An architecture is missing, or was built from something else than this commit.
    pub(super) fn read(folder: &Path, source: &Source) -> Result<Self> {
        let mut parts = Vec::new();
        for architecture in Architecture::ALL {
            let path = place(folder, architecture).join(FILE);
            let text = fs::read(&path).with_context(|| {
                format!(
                    "{}: nothing was built for {architecture}; `cargo xtask release build --arch {architecture}` does",
                    path.display()
                )
            })?;
            let part: Part = serde_json::from_slice(&text)
                .with_context(|| format!("{}: not from `release build`", path.display()))?;
            part.check(source)
                .with_context(|| path.display().to_string())?;
            parts.push(part);
        }
        Ok(Self {
            folder: folder.to_owned(),
            parts,
        })
    }

    pub(super) fn layout(&self, part: &Part, service: &str) -> PathBuf {
        place(&self.folder, part.architecture).join(service)
    }

    pub(super) fn sbom(&self, part: &Part, service: &str) -> PathBuf {
        place(&self.folder, part.architecture).join(format!("{service}.cdx.json"))
    }
}

impl Part {
    fn check(&self, source: &Source) -> Result<()> {
        let (built, here) = (&self.revision, &source.revision);
        ensure!(
            built == here,
            "was built from commit {built}, and this is {here}: build it again"
        );
        for service in &source.services {
            ensure!(
                self.images
                    .iter()
                    .any(|image| image.service == service.name),
                "has no image of {}: build it again",
                service.name
            );
        }
        Ok(())
    }
}
