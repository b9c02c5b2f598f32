//! Calls buildah: from a static binary to an archive and its digest.
//!
//! The store is a folder of our own that goes again: nothing of the user's own images is touched or used, and a second run
//! starts from nothing, as a check of reproducibility must.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::local::workspace;
use serde::Deserialize;
use tokio::process::Command;
use tokio::time::timeout;

use super::Image;
use super::binaries::Context;
use super::source::{Service, Source};

/// Copying some megabytes takes a second; a busy machine more.
const LIMIT: Duration = Duration::from_mins(5);

/// One image to be made.
#[derive(Debug)]
pub(super) struct Order<'a> {
    pub(super) buildah: &'a Path,
    pub(super) context: &'a Context,
    pub(super) service: &'a Service,
    pub(super) source: &'a Source,
    /// With registry and tag.
    pub(super) name: String,
    /// Where the archive goes.
    pub(super) folder: &'a Path,
}

/// The manifest, as far as sizes go; the same fields in Docker's form and in OCI's.
#[derive(Debug, Deserialize)]
struct Manifest {
    config: Blob,
    layers: Vec<Blob>,
}

#[derive(Debug, Deserialize)]
struct Blob {
    size: u64,
}

impl Order<'_> {
    /// Makes the image and its archive.
    pub(super) async fn image(&self) -> Result<Image> {
        let store = Store::new(self.buildah, &self.service.name)?;
        let id = self.bud(&store).await?;

        // What a push to a registry would send: compressed, with the manifest that gives the image its digest.
        let pushed = store.folder.join("pushed");
        let digest = store.folder.join("digest");
        let target = format!("dir:{}", pushed.display());
        let digest_flag = format!("--digestfile={}", digest.display());
        store
            .run(&["push", "--quiet", &digest_flag, &id, &target])
            .await?;
        let manifest = fs::read(pushed.join("manifest.json"))?;
        let manifest: Manifest = serde_json::from_slice(&manifest)?;
        let layers: u64 = manifest.layers.iter().map(|layer| layer.size).sum();

        fs::create_dir_all(self.folder)
            .with_context(|| format!("--archive {}", self.folder.display()))?;
        let archive = self.folder.join(format!("{}.tar", self.service.name));
        // buildah adds to an archive that is there.
        let draft = self.folder.join(format!("{}.tar.new", self.service.name));
        let _ = fs::remove_file(&draft);
        let target = format!("docker-archive:{}:{}", draft.display(), self.name);
        store.run(&["push", "--quiet", &id, &target]).await?;
        fs::rename(&draft, &archive)?;

        Ok(Image {
            service: self.service.name.clone(),
            name: self.name.clone(),
            digest: fs::read_to_string(digest)?.trim().to_owned(),
            compressed_bytes: manifest.config.size + layers,
            bytes: fs::metadata(self.binary())?.len(),
            archive,
            revision: self.source.revision.clone(),
        })
    }

    fn binary(&self) -> PathBuf {
        let folder = self.context.folder.join(self.context.architecture);
        folder.join(&self.service.name)
    }

    async fn bud(&self, store: &Store<'_>) -> Result<String> {
        let platform = format!("--platform=linux/{}", self.context.architecture);
        let timestamp = format!("--timestamp={}", self.source.epoch);
        let file = workspace().join("services/Dockerfile");
        let (file, context) = (
            file.to_string_lossy(),
            self.context.folder.to_string_lossy(),
        );
        // The build has no RUN, so there is nothing to isolate, and the only isolation that needs no privileges will do.
        let mut line = vec!["bud", "--quiet", "--format=oci", "--isolation=chroot"];
        // Without the label that names buildah's version.
        line.extend([
            "--identity-label=false",
            &platform,
            &timestamp,
            "--file",
            &file,
        ]);
        let arguments = [
            ("SERVICE", &self.service.name),
            ("DESCRIPTION", &self.service.description),
            ("VERSION", &self.source.version),
            ("REVISION", &self.source.revision),
            ("CREATED", &self.source.created),
            ("SOURCE", &self.source.url),
        ];
        let arguments = arguments.map(|(name, value)| format!("--build-arg={name}={value}"));
        line.extend(arguments.iter().map(String::as_str));
        line.push(&context);
        store.run(&line).await
    }
}

/// A place for buildah to work in.
#[derive(Debug)]
struct Store<'a> {
    buildah: &'a Path,
    folder: PathBuf,
}

impl<'a> Store<'a> {
    fn new(buildah: &'a Path, name: &str) -> Result<Self> {
        let folder = workspace().join("target/images/store").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        }
        fs::create_dir_all(&folder)?;
        Ok(Self { buildah, folder })
    }

    /// Runs buildah and returns its standard output.
    async fn run(&self, arguments: &[&str]) -> Result<String> {
        let command = Command::new(self.buildah)
            // Plain folders: the driver that works everywhere, and our layers are one file each.
            .arg("--storage-driver=vfs")
            .arg("--root")
            .arg(self.folder.join("root"))
            .arg("--runroot")
            .arg(self.folder.join("run"))
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = timeout(LIMIT, command).await.with_context(|| {
            format!("buildah {}: no end after {LIMIT:?}", arguments.join(" "))
        })??;
        ensure!(
            output.status.success(),
            "buildah {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

impl Drop for Store<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
