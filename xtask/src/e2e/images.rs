//! How the images come to the cluster.

use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::{command::output, console::Step};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::scripts;

/// Where the archive's path goes.
const PLACE: &str = "{archive}";

/// For one of them, on a machine that does other things as well.
const LOAD: Duration = Duration::from_mins(10);

/// Checks the text of `--load`.
pub(super) fn command(text: &str) -> Result<String, String> {
    if text.contains(PLACE) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "does not say where the archive goes: put {PLACE} into it"
        ))
    }
}

/// Builds and loads the images; without a command they are there already, or are pulled.
pub(super) async fn prepare(load: Option<&str>, registry: &str, tag: &str) -> Result<Value> {
    if let Some(load) = load {
        let images = scripts::images(registry, tag).await?;
        let step = Step::start("load");
        for (name, archive) in &images {
            step.detail(name);
            let line = load.replace(PLACE, archive);
            let mut command = Command::new("sh");
            let loaded = output(command.args(["-c", &line]), LOAD, "").await;
            loaded.with_context(|| format!("--load: {line}"))?;
        }
        step.done(&format!("{} images", images.len()));
    }
    Ok(
        json!({"registry": registry.trim_end_matches('/'), "tag": tag, "pull_policy": "IfNotPresent"}),
    )
}
