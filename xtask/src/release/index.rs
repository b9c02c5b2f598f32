//! Merges the architectures of an image into one index, by buildah.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::record::{Image, Platform};
use super::set::Set;
use crate::image::store::Store;

/// Makes the index of a service and pushes it to `registry`, a loopback one.
pub(super) async fn push(
    buildah: &Path,
    set: &Set,
    service: &str,
    version: &str,
    registry: &str,
) -> Result<Image> {
    let store = Store::new(buildah)?;
    let list = format!("localhost/{service}:{version}");
    store.run(&["manifest", "create", &list]).await?;
    let mut platforms = Vec::new();
    for part in &set.parts {
        let built = part.images.iter().find(|it| it.service == service);
        let packed = &built
            .with_context(|| format!("no image of {service}"))?
            .packed;
        let layout = format!("oci:{}", set.layout(part, service).display());
        store.run(&["manifest", "add", &list, &layout]).await?;
        platforms.push(Platform {
            architecture: part.architecture,
            digest: packed.digest.clone(),
            compressed_bytes: packed.compressed_bytes,
        });
    }
    let file = store.folder().join("digest");
    let flag = format!("--digestfile={}", file.display());
    let target = format!("docker://{registry}/{service}:{version}");
    let line = ["manifest", "push", "--all", "--quiet", "--format=oci"];
    let line = [&line[..], &["--tls-verify=false", &flag, &list, &target]].concat();
    store.run(&line).await?;

    let inspected = store.run(&["manifest", "inspect", &list]).await?;
    for Platform {
        architecture,
        digest,
        ..
    } in &platforms
    {
        ensure!(
            inspected.contains(digest.as_str()),
            "{service}: the layout of {architecture} holds another image than the one with the digest {digest} in set.json"
        );
    }
    Ok(Image {
        service: service.to_owned(),
        digest: fs::read_to_string(file)?.trim().to_owned(),
        platforms,
    })
}
