//! Jobs of the chart, beside the running stack.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};

use super::Stack;
use crate::local::job::{self, Finished};

impl Stack {
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
