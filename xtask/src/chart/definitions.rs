//! The definitions (CRDs) of what the chart renders beside Kubernetes' own kinds, from the pinned Go modules.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize as _;
use serde_json::Value;

use crate::tools::{Tool, Tools};

pub(super) const KIND: &str = "CustomResourceDefinition";

/// What [`folders`] needs.
pub(crate) const SOURCES: [Tool; 3] = [
    Tool::DaprModule,
    Tool::KedaModule,
    Tool::PrometheusOperatorModule,
];

/// Folders of CRDs.
pub(crate) fn folders(tools: &Tools) -> Result<[PathBuf; 3]> {
    Ok([
        tools.path(Tool::DaprModule)?.join("charts/dapr/crds"),
        tools.path(Tool::KedaModule)?.join("config/crd/bases"),
        tools
            .path(Tool::PrometheusOperatorModule)?
            .join("example/prometheus-operator-crd"),
    ])
}

/// Every definition in them.
pub(super) fn read(tools: &Tools) -> Result<Vec<Value>> {
    let mut definitions = Vec::new();
    for folder in folders(tools)? {
        for file in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let text = std::fs::read_to_string(file?.path())?;
            for document in serde_norway::Deserializer::from_str(&text) {
                definitions.push(Value::deserialize(document)?);
            }
        }
    }
    // Beside them lie kustomizations.
    definitions.retain(|object| object["kind"] == KIND);
    ensure!(
        !definitions.is_empty(),
        "the pinned modules have no definitions where they used to be"
    );
    Ok(definitions)
}
