//! Publishes a set, in the order that never shows anything half done: everything goes to its place by digest, is signed and attested
//! there, and only then gets its tag, the chart last. Who looks for a version finds all of it or nothing.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::workspace;

use super::chart::Packer;
use super::record::{Artifact, Image, Record};
use super::registry::{Crane, Local};
use super::set::Set;
use super::signer::{Signer, Statement};
use super::{index, provenance, sbom};
use crate::image::source::Source;
use crate::tools::{Tool, Tools};
use harness::console::Step;

/// What it takes.
pub(super) const TOOLS: [Tool; 4] = [Tool::Buildah, Tool::Crane, Tool::Cosign, Tool::Helm4];

/// A set and where it goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Publication<'a> {
    pub(super) tools: &'a Tools,
    pub(super) source: &'a Source,
    pub(super) set: &'a Set,
    /// `HOST/PATH`.
    pub(super) registry: &'a str,
    pub(super) signer: &'a Signer,
    /// The set's folder.
    pub(super) folder: &'a Path,
    /// For one call to the registry.
    pub(super) patience: Duration,
    /// Whether its steps are shown.
    pub(super) aloud: bool,
}

/// Something that is in its place and has no tag yet.
struct Placed {
    reference: String,
    digest: String,
}

impl Publication<'_> {
    pub(super) async fn run(&self) -> Result<Record> {
        let crane = Crane::new(self.tools.path(Tool::Crane)?).within(self.patience);
        let version = &self.source.version;
        let step = self.step("registry");
        let chart = format!("{}/charts/task-pubsub", self.registry);
        let there = crane.digest(&format!("{chart}:{version}")).await?;
        step.done(self.registry);

        let staging = workspace().join("target/release-set/staging");
        let staging = Local::start(self.tools.path(Tool::Crane)?, &staging, None).await?;
        let images = self.merge(staging.address()).await?;
        let step = self.step("chart");
        let (packed, sha256) = self.pack(&crane, staging.address(), &images).await?;
        step.done(&packed);
        let record = Record {
            version: version.clone(),
            registry: self.registry.to_owned(),
            revision: self.source.revision.clone(),
            chart: Artifact {
                reference: chart,
                digest: packed,
            },
            images,
        };
        if let Some(there) = there {
            record.is(&there)?;
            // Signing it once more would add nothing.
            let step = self.step("published already");
            step.done(&there);
            record.write(self.folder)?;
            return Ok(record);
        }
        let placed = record.placed();
        let step = self.step("push by digest");
        for it in &placed {
            step.detail(&it.reference);
            let name = it.reference.trim_start_matches(self.registry);
            let from = format!("{}{name}@{}", staging.address(), it.digest);
            crane.copy(&from, &it.whole()).await?;
        }
        step.done(&format!("{} artifacts", placed.len()));
        self.vouch(&record, &placed, &sha256).await?;
        let step = self.step("tags");
        for it in &placed {
            crane.tag(&it.whole(), version).await?;
        }
        step.done(version);
        record.write(self.folder)?;
        Ok(record)
    }

    fn step(&self, name: &str) -> Step {
        Step::start_if(self.aloud, name)
    }

    async fn merge(&self, staging: &str) -> Result<Vec<Image>> {
        let step = self.step("indexes");
        let mut images = Vec::new();
        for service in &self.source.services {
            step.detail(&service.name);
            let buildah = self.tools.path(Tool::Buildah)?;
            let version = &self.source.version;
            let image = index::push(buildah, self.set, &service.name, version, staging).await?;
            images.push(image);
        }
        step.done(&format!(
            "{} images for {} architectures",
            images.len(),
            self.set.parts.len()
        ));
        Ok(images)
    }

    /// The digests of the chart in the staging registry, and of its archive.
    async fn pack(
        &self,
        crane: &Crane,
        staging: &str,
        images: &[Image],
    ) -> Result<(String, String)> {
        let packer = Packer {
            helm: self.tools.path(Tool::Helm4)?,
            source: self.source,
            folder: self.folder,
        };
        let archive = packer.pack(self.registry, images).await?;
        packer.push(&archive, staging).await?;
        let reference = format!("{staging}/charts/task-pubsub:{}", self.source.version);
        let digest = crane.digest(&reference).await?;
        let digest = digest.context("the chart was pushed and is not there")?;
        Ok((digest, crane.layer(&reference).await?))
    }

    /// Signatures, SBOMs, provenance.
    async fn vouch(&self, record: &Record, placed: &[Placed], archive: &str) -> Result<()> {
        let step = self.step("sign and attest");
        let provenance = self.folder.join("provenance.json");
        let statement = provenance::predicate(self.source, self.set);
        fs::write(&provenance, serde_json::to_vec_pretty(&statement)?)?;
        for it in placed {
            step.detail(&it.reference);
            self.signer.sign(&it.whole()).await?;
            self.signer
                .attest(&it.whole(), Statement::Provenance, &provenance)
                .await?;
        }
        for part in &self.set.parts {
            for built in &part.images {
                let whole = format!(
                    "{}/{}@{}",
                    self.registry, built.service, built.packed.digest
                );
                step.detail(&whole);
                let bom = self.set.sbom(part, &built.service);
                self.signer.attest(&whole, Statement::Sbom, &bom).await?;
            }
        }
        let bom = self.folder.join("chart.cdx.json");
        let statement = sbom::chart(self.source, self.registry, archive, &record.images);
        fs::write(&bom, serde_json::to_vec_pretty(&statement)?)?;
        let chart = &record.chart;
        let whole = format!("{}@{}", chart.reference, chart.digest);
        self.signer.attest(&whole, Statement::Sbom, &bom).await?;
        step.done(&format!("{} artifacts", placed.len()));
        Ok(())
    }
}

impl Placed {
    fn whole(&self) -> String {
        format!("{}@{}", self.reference, self.digest)
    }
}

impl Record {
    /// Whether the version that is there is this one.
    fn is(&self, there: &str) -> Result<()> {
        let (chart, version, packed) = (&self.chart.reference, &self.version, &self.chart.digest);
        ensure!(
            there == packed,
            "{chart}:{version} is published already, as {there}, and this would be {packed}: a version is published once. \
             Make a new one"
        );
        Ok(())
    }

    /// Images first: the chart, which names them, is what people look for.
    fn placed(&self) -> Vec<Placed> {
        let images = self.images.iter().map(|image| Placed {
            reference: format!("{}/{}", self.registry, image.service),
            digest: image.digest.clone(),
        });
        let chart = Placed {
            reference: self.chart.reference.clone(),
            digest: self.chart.digest.clone(),
        };
        images.chain([chart]).collect()
    }
}
