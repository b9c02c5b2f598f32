//! Jobs of the chart, beside the running stack.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::Stack;
use crate::job::{self, Finished};

/// How the name of that Job ends.
const PREFLIGHT: &str = "preflight";

impl Stack {
    /// What Argo CD does before publishers come to a broker. Nothing where the chart renders no preflight.
    pub async fn preflight(&self) -> Result<()> {
        let rendered = self
            .rendered
            .of_kind("Job")
            .any(|job| job.name.ends_with(PREFLIGHT));
        if !rendered {
            return Ok(());
        }
        self.run_job(PREFLIGHT)
            .await?
            .expect(0, &["preflight passed"])
    }

    /// Runs the rendered Job whose name ends in `name` to its end. Where it calls the API, it is sent to an instance that is
    /// ready, as the Service would.
    pub async fn run_job(&self, name: &str) -> Result<Finished> {
        let api = self.endpoints.pick().context("no instance is ready")?;
        let env = BTreeMap::from([("API_URL".to_owned(), api.url.clone())]);
        job::run(
            &self.site,
            &self.resources,
            &self.rendered,
            name,
            &self.options.binary("task-probe"),
            &env,
        )
        .await
    }
}
