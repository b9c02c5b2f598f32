//! What is in an image and in the chart, as CycloneDX 1.6 (<https://cyclonedx.org/docs/1.6/json>).

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::command::output;
use serde_json::{Value, json};
use tokio::process::Command;

use super::record::Image;
use crate::image::source::Source;

const LIMIT: Duration = Duration::from_mins(3);

/// Of an image in an OCI image layout: its crates, which cargo-auditable has written into the binary.
pub(super) async fn image(
    syft: &Path,
    layout: &Path,
    service: &str,
    source: &Source,
) -> Result<Value> {
    let mut command = Command::new(syft);
    command
        .args(["scan", "--quiet", "--output", "cyclonedx-json"])
        .args([
            "--source-name",
            service,
            "--source-version",
            &source.version,
        ])
        .arg(format!("oci-dir:{}", layout.display()))
        .env("SYFT_CHECK_FOR_APP_UPDATE", "false");
    let said = output(command, LIMIT, "").await;
    let said = said.with_context(|| format!("syft scan {}", layout.display()))?;
    let mut bom: Value = serde_json::from_str(&said).context("syft writes no JSON")?;
    let itself = format!("pkg:cargo/{service}@{}", source.version);
    let components = bom["components"].as_array().map_or(&[][..], Vec::as_slice);
    ensure!(
        components.iter().any(|it| it["purl"] == itself.as_str()),
        "the image of {service} does not tell its crates ({itself} is not in its SBOM): it was not built by cargo-auditable"
    );
    same_again(&mut bom, source);
    Ok(bom)
}

/// Of the chart: itself, by the digest of its archive, and the images that it deploys.
pub(super) fn chart(source: &Source, registry: &str, archive: &str, images: &[Image]) -> Value {
    let components = images.iter().map(|image| {
        let (name, digest) = (&image.service, &image.digest);
        let encoded = digest.replace(':', "%3A");
        json!({
            "type": "container",
            "bom-ref": format!("{name}@{digest}"),
            "name": name,
            "version": source.version,
            "purl": format!("pkg:oci/{name}@{encoded}?repository_url={registry}/{name}"),
            "hashes": [{"alg": "SHA-256", "content": hex(digest)}],
            "licenses": [{"license": {"id": "Apache-2.0"}}],
        })
    });
    let mut bom = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "chart",
                "name": "task-pubsub",
                "version": source.version,
                "purl": format!("pkg:helm/task-pubsub@{}?repository_url=oci://{registry}/charts", source.version),
                "hashes": [{"alg": "SHA-256", "content": hex(archive)}],
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
        },
        "components": components.collect::<Vec<_>>(),
        "dependencies": [{
            "ref": "chart",
            "dependsOn": images.iter().map(|it| format!("{}@{}", it.service, it.digest)).collect::<Vec<_>>(),
        }],
    });
    same_again(&mut bom, source);
    bom
}

fn hex(digest: &str) -> &str {
    digest.trim_start_matches("sha256:")
}

/// The same commit gives the same text: without a random number, and with the commit's time.
fn same_again(bom: &mut Value, source: &Source) {
    if let Some(bom) = bom.as_object_mut() {
        bom.remove("serialNumber");
    }
    bom["metadata"]["timestamp"] = json!(source.created);
}
