//! Where the chart's files are, and how its values are read.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use harness::workspace;
use serde_json::Value;

/// The chart's folder.
pub(crate) fn folder() -> PathBuf {
    workspace().join("charts/task-pubsub")
}

/// The value files that the chart brings along, but for the table of refusals.
pub(crate) fn examples() -> Result<Vec<PathBuf>> {
    let mut files = listed(&folder().join("ci"), "yaml")?;
    files.retain(|file| !file.ends_with("refused.yaml"));
    ensure!(!files.is_empty(), "no examples in ci/");
    Ok(files)
}

/// What Argo CD's environments set.
pub(crate) fn environments() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for environment in std::fs::read_dir(workspace().join("argocd/environments"))? {
        files.push(environment?.path().join("values.yaml"));
    }
    files.sort();
    Ok(files)
}

/// The examples, and what Argo CD's environments set.
pub(crate) fn installations() -> Result<Vec<PathBuf>> {
    let mut files = examples()?;
    files.extend(environments()?);
    files.sort();
    Ok(files)
}

/// The files of a folder that end so, by name.
pub(crate) fn listed(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let files = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<_> = files.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|it| it == extension));
    files.sort();
    Ok(files)
}

/// How a file of values is called in errors: `ci/redis.yaml`, `staging/values.yaml`.
pub(crate) fn label(values: &Path) -> String {
    let parts: Vec<_> = values
        .iter()
        .rev()
        .take(2)
        .map(|it| it.to_string_lossy())
        .collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/")
}

/// A file of values.
pub(crate) fn values(example: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(example)?;
    serde_norway::from_str(&text).with_context(|| example.display().to_string())
}
