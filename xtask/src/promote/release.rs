//! The file that a release leaves: its version, its commit, and the digests of what was pushed.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::environment::{Deployed, Image, SERVICES};
use crate::release::record::Record;
use crate::version::next;

/// A release that can be deployed.
#[derive(Debug)]
pub(super) struct Release(Record);

impl Release {
    pub(super) fn read(file: &Path) -> Result<Self> {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).with_context(|| {
            format!("{name}: cannot be read; give the file that the release has left")
        })?;
        Self::parse(&text).with_context(|| format!("{name} is not what a release leaves"))
    }

    fn parse(text: &str) -> Result<Self> {
        let release: Record = serde_json::from_str(text)?;
        next::parse(&release.version).context("version")?;
        let plain = |it: char| it.is_ascii_alphanumeric() || "./-_:".contains(it);
        ensure!(
            !release.registry.is_empty() && release.registry.chars().all(plain),
            "registry: `{}` is not a host and a path, such as registry.example.com/platform",
            release.registry
        );
        let revision = &release.revision;
        ensure!(
            revision.len() >= 7 && revision.chars().all(|it| it.is_ascii_hexdigit()),
            "revision: `{revision}` is not a commit; a release is made from files that are committed"
        );
        Ok(Self(release))
    }

    /// Its commit.
    pub(super) fn revision(&self) -> &str {
        &self.0.revision
    }

    /// What an environment gets.
    pub(super) fn deployed(&self) -> Result<Deployed> {
        let release = &self.0;
        for image in &release.images {
            ensure!(
                SERVICES
                    .iter()
                    .any(|(service, _)| *service == image.service),
                "the release has an image of {}, of which xtask/src/promote/environment.rs does not say where it belongs",
                image.service
            );
        }
        let mut images = Vec::new();
        for (service, _) in SERVICES {
            let pushed = release.images.iter().find(|it| it.service == service);
            let pushed =
                pushed.with_context(|| format!("the release has no image of {service}"))?;
            images.push(Image {
                service,
                tag: release.version.clone(),
                digest: pushed.digest.clone(),
            });
        }
        let registry = release.registry.trim_end_matches('/').to_owned();
        let deployed = Deployed { registry, images };
        deployed.is_fixed("the release")?;
        Ok(deployed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn release() -> Value {
        let digest = format!("sha256:{}", "a".repeat(64));
        let image = |service: &str| json!({"service": service, "digest": digest, "platforms": []});
        let images: Vec<_> = SERVICES.iter().map(|(service, _)| image(service)).collect();
        json!({"version": "0.3.0", "registry": "host:5000/path/", "revision": "0123456789abcdef", "chart": {"reference": "host:5000/path/charts/task-pubsub", "digest": digest}, "images": images})
    }

    fn read(release: &Value) -> Result<Deployed> {
        Release::parse(&release.to_string())?.deployed()
    }

    #[test]
    fn every_service_has_tag_and_digest() {
        let deployed = read(&release()).unwrap();
        assert_eq!(deployed.registry, "host:5000/path");
        assert_eq!(deployed.images.len(), SERVICES.len());
        assert_eq!(deployed.version(), "0.3.0");
    }

    #[test]
    fn refusals_name_the_value() {
        for (pointer, value, said) in [
            ("/version", json!("latest"), "`latest` is not a version"),
            ("/registry", json!("a b"), "registry: `a b` is not a host"),
            (
                "/revision",
                json!("abc123-dirty"),
                "revision: `abc123-dirty` is not a commit",
            ),
            (
                "/images/0/service",
                json!("task-mail"),
                "an image of task-mail",
            ),
            ("/images/0/digest", json!("sha256:12"), "`sha256:12`"),
            (
                "/images/0/digest",
                json!(""),
                "the release has no digest for task-api",
            ),
            ("/images", json!([]), "no image of task-api"),
        ] {
            let mut release = release();
            *release.pointer_mut(pointer).unwrap() = value;
            let error = format!("{:#}", read(&release).unwrap_err());
            assert!(error.contains(said), "{error}");
        }
    }
}
