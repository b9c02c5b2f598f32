//! Calls buildah: from a static binary to an image, its digest, and the form that is wanted of it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use harness::workspace;
use serde::{Deserialize, Serialize};

use super::Image;
use super::binaries::Context;
use super::source::{Service, Source};
use super::store::Store;
use harness::console::mib;

/// One image to be made.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub(super) buildah: &'a Path,
    pub(super) context: &'a Context,
    pub(super) service: &'a Service,
    pub(super) source: &'a Source,
}

/// What is known of an image once it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Packed {
    /// Of the manifest, as a registry shows it after a push by the same buildah.
    pub(crate) digest: String,
    /// What a registry keeps and a node pulls.
    pub(crate) compressed_bytes: u64,
    /// What a node's disk holds.
    pub(crate) bytes: u64,
}

impl Packed {
    /// Digest and size, for people.
    pub(crate) fn summary(&self) -> String {
        format!("{}, {} compressed", self.digest, mib(self.compressed_bytes))
    }
}

/// The manifest, as far as sizes go.
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
    /// Makes the image as an OCI image layout in a new folder.
    pub(crate) async fn layout(&self, folder: &Path) -> Result<Packed> {
        let store = self.store()?;
        let id = self.bud(&store).await?;
        self.push(&store, &id, folder).await
    }

    /// Makes the image, and of it an archive in `folder`.
    pub(super) async fn archive(&self, name: &str, folder: &Path) -> Result<Image> {
        let store = self.store()?;
        let id = self.bud(&store).await?;
        let packed = self
            .push(&store, &id, &store.folder().join("layout"))
            .await?;

        fs::create_dir_all(folder).with_context(|| format!("--archive {}", folder.display()))?;
        let archive = folder.join(format!("{}.tar", self.service.name));
        // buildah adds to an archive that is there.
        let draft = folder.join(format!("{}.tar.new", self.service.name));
        let _ = fs::remove_file(&draft);
        let target = format!("docker-archive:{}:{name}", draft.display());
        store.run(&["push", "--quiet", &id, &target]).await?;
        fs::rename(&draft, &archive)?;
        Ok(Image {
            service: self.service.name.clone(),
            name: name.to_owned(),
            digest: packed.digest,
            compressed_bytes: packed.compressed_bytes,
            bytes: packed.bytes,
            archive,
            revision: self.source.revision.clone(),
        })
    }

    /// Makes it a second time, from nothing, and fails unless it is the same.
    pub(crate) async fn again(&self, digest: &str) -> Result<()> {
        let store = self.store()?;
        let id = self.bud(&store).await?;
        let again = self
            .push(&store, &id, &store.folder().join("layout"))
            .await?
            .digest;
        ensure!(
            again == digest,
            "{}: the same binary gave {digest} and then {again}; something that changes from run to run has come into the image",
            self.service.name
        );
        Ok(())
    }

    fn store(&self) -> Result<Store<'_>> {
        Store::new(self.buildah)
    }

    /// What a push to a registry would send: compressed, with the manifest that gives the image its digest.
    async fn push(&self, store: &Store<'_>, id: &str, folder: &Path) -> Result<Packed> {
        let digest = store.folder().join("digest");
        let target = format!("oci:{}", folder.display());
        let digest_flag = format!("--digestfile={}", digest.display());
        store
            .run(&["push", "--quiet", &digest_flag, id, &target])
            .await?;
        let digest = fs::read_to_string(digest)?.trim().to_owned();
        let blob = digest.replacen(':', "/", 1);
        let manifest = fs::read(folder.join("blobs").join(blob))?;
        let manifest: Manifest = serde_json::from_slice(&manifest)?;
        let layers: u64 = manifest.layers.iter().map(|layer| layer.size).sum();
        Ok(Packed {
            digest,
            compressed_bytes: manifest.config.size + layers,
            bytes: fs::metadata(self.binary())?.len(),
        })
    }

    fn binary(&self) -> PathBuf {
        let folder = self
            .context
            .folder
            .join(self.context.architecture.to_string());
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
