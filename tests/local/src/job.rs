//! A pod that runs to completion, as the Job controller starts it: beside a sidecar that ends after it.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::time::timeout;

use super::{pod, resources::Resources, sidecar::Sidecar, site::Site};
use harness::{chart::Rendered, deployment::Deployment, launch::Launch, process::Process};

/// How a Job ended.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The exit code; none after a signal.
    pub code: Option<i32>,
    /// What its container wrote.
    pub log: String,
    /// From the start of both containers to the end of the app.
    pub after: Duration,
}

impl Finished {
    /// An error unless it ended with `code` and its log has all of `parts`.
    pub fn expect(&self, code: i32, parts: &[&str]) -> Result<()> {
        ensure!(
            self.code == Some(code),
            "ended with {:?}, not {code}:\n{}",
            self.code,
            self.log
        );
        for part in parts {
            ensure!(
                self.log.contains(part),
                "`{part}` is not in its log:\n{}",
                self.log
            );
        }
        Ok(())
    }
}

/// Runs the rendered Job whose name ends in `name`. `env` wins over the Job's own.
pub(super) async fn run(
    site: &Site,
    resources: &Resources,
    rendered: &Rendered,
    name: &str,
    program: &Path,
    env: &BTreeMap<String, String>,
) -> Result<Finished> {
    let mut jobs = rendered.of_kind("Job");
    let manifest = jobs.find(|job| job.name.ends_with(name));
    let manifest = manifest.with_context(|| format!("the chart renders no Job {name}"))?;
    let template = Deployment::read(manifest)?;
    let spec = &manifest.object["spec"];
    let args = spec.pointer("/template/spec/containers/0/args");
    let args = args.and_then(Value::as_array).into_iter().flatten();
    let args: Vec<_> = args.filter_map(Value::as_str).collect();
    let limit = spec["activeDeadlineSeconds"].as_u64();
    let limit = Duration::from_secs(limit.context("a Job without activeDeadlineSeconds")?);

    let started = Instant::now();
    let pod = site.pod_name(name);
    let sidecar = Sidecar::start(site, resources, &template, &pod, None).await?;
    let log = site.folder().join(format!("{pod}.log"));
    let env = pod::environment(site, &pod, &template, &sidecar, env);
    let launch = Launch::new(&pod, program, &log).args(args).envs(&env);
    let app = Process::start(launch).await?;
    let status = timeout(limit, app.wait()).await;
    let status = status.with_context(|| format!("{pod} has not ended within {limit:?}"))??;
    let after = started.elapsed();
    if template.has_native_sidecar() {
        sidecar.terminate(template.grace).await?;
    } else {
        // Nobody ends it but the app: a Job whose sidecar goes on never completes.
        let ended = timeout(template.grace, sidecar.process().wait()).await;
        ended.with_context(|| format!("{pod} has ended, and its ordinary sidecar goes on"))??;
    }
    Ok(Finished {
        code: status.code(),
        log: fs::read_to_string(&log)?,
        after,
    })
}
