//! `release.json`: what was published, for those who deploy it.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::image::architecture::Architecture;

/// Its name, in the set's folder.
pub(super) const FILE: &str = "release.json";

/// A release.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) version: String,
    /// What stands before the images' names.
    pub(crate) registry: String,
    /// The commit.
    pub(crate) revision: String,
    pub(crate) chart: Artifact,
    pub(crate) images: Vec<Image>,
}

/// Something in a registry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Artifact {
    /// Without tag and digest.
    pub(crate) reference: String,
    pub(crate) digest: String,
}

/// One service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Image {
    pub(crate) service: String,
    /// Of the index of all platforms.
    pub(crate) digest: String,
    pub(crate) platforms: Vec<Platform>,
}

/// One architecture of an image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Platform {
    pub(crate) architecture: Architecture,
    pub(crate) digest: String,
    pub(crate) compressed_bytes: u64,
}

impl Record {
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        Ok(fs::write(folder.join(FILE), text + "\n")?)
    }
}
