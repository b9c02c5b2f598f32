//! Jobs of the chart, beside the running stack.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};

use super::Stack;
use crate::local::job::{self, Finished};

/// How the name of that Job ends.
const PREFLIGHT: &str = "preflight";

impl Stack {
    /// What Argo CD does before publishers come to a broker. Nothing where the chart renders no preflight, or without
    /// a `task-probe`.
    pub async fn preflight(&self) -> Result<()> {
        let rendered = self
            .rendered
            .of_kind("Job")
            .any(|job| job.name.ends_with(PREFLIGHT));
        let Some(probe) = self.options.probe.as_ref().filter(|_| rendered) else {
            return Ok(());
        };
        self.run_job(PREFLIGHT, probe)
            .await?
            .expect(0, &["preflight passed"])
    }

    /// Runs the rendered Job whose name ends in `name` to its end. Where it calls the API, it is sent to an instance that is
    /// ready, as the Service would.
    pub async fn run_job(&self, name: &str, program: &Path) -> Result<Finished> {
        let api = self.endpoints.pick().context("no instance is ready")?;
        let env = BTreeMap::from([("API_URL".to_owned(), api.url.clone())]);
        job::run(
            &self.site,
            &self.resources,
            &self.rendered,
            name,
            program,
            &env,
        )
        .await
    }
}
