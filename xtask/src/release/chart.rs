//! The chart as it is released: its values name the images by digest, so that who trusts the chart trusts them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use harness::chart::Chart;
use harness::command::output;
use harness::folder::copy;
use serde_json::json;
use tokio::process::Command;

use super::record::Image;
use crate::chart::files;
use crate::image::source::Source;

const LIMIT: Duration = Duration::from_mins(1);

/// Packs and pushes the chart, with Helm.
#[derive(Debug)]
pub(super) struct Packer<'a> {
    /// Of the fourth generation: the third writes the time of day into the archive.
    pub(super) helm: &'a Path,
    pub(super) source: &'a Source,
    pub(super) folder: &'a Path,
}

impl Packer<'_> {
    /// Packs the chart with these images in `registry`.
    pub(super) async fn pack(&self, registry: &str, images: &[Image]) -> Result<PathBuf> {
        let draft = self.folder.join("task-pubsub");
        if draft.exists() {
            fs::remove_dir_all(&draft)?;
        }
        copy(&files::folder(), &draft)?;
        let values = draft.join("values.yaml");
        let text = with_digests(&fs::read_to_string(&values)?, registry, images)?;
        fs::write(&values, text)?;
        self.check(&draft, registry, images).await?;

        // The only clock that the archive knows is the commit's.
        self.touch(&draft).await?;
        let mut command = Command::new(self.helm);
        command
            .arg("package")
            .arg(&draft)
            .arg("--destination")
            .arg(self.folder);
        output(command, LIMIT, "").await.context("helm package")?;
        let version = &self.source.version;
        let archive = self.folder.join(format!("task-pubsub-{version}.tgz"));
        self.touch(&archive).await?;
        Ok(archive)
    }

    /// Pushes it to a loopback registry, with the archive's time as that of its creation.
    pub(super) async fn push(&self, archive: &Path, registry: &str) -> Result<()> {
        let mut command = Command::new(self.helm);
        command.arg("push").arg(archive);
        command
            .arg(format!("oci://{registry}/charts"))
            .arg("--plain-http");
        output(command, LIMIT, "").await.context("helm push")?;
        Ok(())
    }

    /// What is rendered, tests included, comes from the registry by digest and from nowhere else.
    async fn check(&self, chart: &Path, registry: &str, images: &[Image]) -> Result<()> {
        let chart = Chart::new(self.helm, chart.to_owned(), "task-pubsub");
        let values = json!({"preflight": {"enabled": true}, "smoke": {"enabled": true}});
        let rendered = chart.render(&values).await?;
        let text = serde_json::to_string(&rendered.objects().collect::<Vec<_>>())?;
        for image in images {
            let wanted = format!("\"{registry}/{}@{}\"", image.service, image.digest);
            ensure!(text.contains(&wanted), "the chart does not deploy {wanted}");
        }
        let all = text.matches("\"image\":").count();
        let ours = text.matches(&format!("\"image\":\"{registry}/")).count();
        ensure!(
            all == ours,
            "the chart deploys {} images from elsewhere",
            all - ours
        );
        Ok(())
    }

    async fn touch(&self, path: &Path) -> Result<()> {
        let mut command = Command::new("find");
        command.arg(path).args(["-exec", "touch", "--date"]);
        command
            .arg(format!("@{}", self.source.epoch))
            .args(["{}", "+"]);
        output(command, LIMIT, "").await.context("touch")?;
        Ok(())
    }
}

/// Writes registry and digests into the text of `values.yaml`, whose comments stay. A service has no image of its own there; the
/// probe has an empty one.
fn with_digests(values: &str, registry: &str, images: &[Image]) -> Result<String> {
    let mut section = "";
    let mut written = Vec::new();
    let mut lines = Vec::new();
    for line in values.lines() {
        if line.starts_with(|first: char| first.is_ascii_alphabetic()) {
            section = line.trim_end_matches(|c| c != ':');
        }
        let key = line.trim();
        match (section, line) {
            ("image:", "  registry: \"\"") => {
                lines.push(format!("  registry: {registry}"));
                written.push("image.registry");
            }
            ("probe:", "  image: {}") => {
                let image = images.iter().find(|it| it.service == "task-probe");
                let image = image.context("there is no image of task-probe")?;
                lines.push(format!("  image: {{digest: \"{}\"}}", image.digest));
                written.push("task-probe");
            }
            ("services:", _) if line.starts_with("  ") && !line.starts_with("   ") => {
                lines.push(line.to_owned());
                let service = key.trim_end_matches(':');
                if let Some(image) = images.iter().find(|it| it.service == service) {
                    lines.push(format!("    image: {{digest: \"{}\"}}", image.digest));
                    written.push(&image.service);
                }
            }
            _ => lines.push(line.to_owned()),
        }
    }
    let wanted = images.iter().map(|it| it.service.as_str());
    for wanted in wanted.chain(["image.registry"]) {
        if written.iter().filter(|it| **it == wanted).count() != 1 {
            bail!("values.yaml has no place, or several, for {wanted}");
        }
    }
    Ok(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images() -> Vec<Image> {
        let image = |service: &str| Image {
            service: service.to_owned(),
            digest: format!("sha256:{service}"),
            platforms: Vec::new(),
        };
        ["task-api", "task-probe"].map(image).to_vec()
    }

    #[test]
    fn the_values_name_the_images_and_keep_their_comments() {
        let values = "image:\n  # why\n  registry: \"\"\nservices:\n  task-api:\n    port: 1\n  other:\n    port: 2\nprobe:\n  image: {}\n";
        let text = with_digests(values, "r.example.com/x", &images()).unwrap();
        assert_eq!(
            text,
            "image:\n  # why\n  registry: r.example.com/x\nservices:\n  task-api:\n    image: {digest: \"sha256:task-api\"}\n    port: 1\n  other:\n    port: 2\nprobe:\n  image: {digest: \"sha256:task-probe\"}\n"
        );
    }

    #[test]
    fn a_place_that_is_gone_is_not_passed_over() {
        let error = with_digests("probe:\n  image: {}\n", "r", &images()).unwrap_err();
        assert!(error.to_string().contains("task-api"), "{error}");
    }

    #[test]
    fn the_real_values_have_the_places() {
        let values = fs::read_to_string(files::folder().join("values.yaml")).unwrap();
        let services = ["task-api", "task-worker", "task-probe"];
        let images = services.map(|service| Image {
            service: service.to_owned(),
            digest: "sha256:0".to_owned(),
            platforms: Vec::new(),
        });
        with_digests(&values, "r", &images).unwrap();
    }
}
