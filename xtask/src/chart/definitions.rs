//! The definitions (CRDs) of what the chart renders beside Kubernetes' own kinds, from the pinned Go modules.

use std::path::PathBuf;

use anyhow::Result;

use crate::tools::{Tool, Tools};

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
