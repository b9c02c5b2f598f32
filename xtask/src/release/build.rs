//! Builds what one architecture has in a release: images, and what is in them.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::sbom;
use super::set::{Built, Part, place};
use crate::image::architecture::Architecture;
use crate::image::source::Source;
use crate::image::{Profile, Workshop};
use crate::tools::{self, Tool};
use harness::console::Step;

/// Builds an architecture's part of the set, from nothing. Each image is made twice, and must come out the same.
pub(super) async fn part(
    source: &Source,
    architecture: Architecture,
    folder: &Path,
) -> Result<Part> {
    let syft = tools::ensure(&[Tool::Syft]).await?;
    let syft = syft.path(Tool::Syft)?;
    let place = place(folder, architecture);
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| place.display().to_string())?;
    }
    fs::create_dir_all(&place).with_context(|| place.display().to_string())?;

    let workshop = Workshop::set_up(source, architecture, Profile::Release).await?;
    let mut part = Part::new(architecture, source);
    for service in &source.services {
        let step = Step::start(format!("{} {architecture}", service.name));
        let layout = place.join(&service.name);
        let order = workshop.order(service);
        let packed = order.layout(&layout).await?;
        order.again(&packed.digest).await?;
        step.detail("SBOM");
        let bom = sbom::image(syft, &layout, &service.name, source).await?;
        fs::write(
            place.join(format!("{}.cdx.json", service.name)),
            serde_json::to_vec_pretty(&bom)?,
        )?;
        step.done(&packed.summary());
        part.images.push(Built {
            service: service.name.clone(),
            packed,
        });
    }
    part.write(folder)?;
    Ok(part)
}
