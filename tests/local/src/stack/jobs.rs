//! Jobs of the chart, beside the running stack: pods that run to completion, as the Job controller starts them, with a sidecar that ends
//! after them.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use harness::{Deployment, Launch, Process, chart, command};
use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use super::Stack;
use crate::broker::Reader;
use crate::{Sidecar, pod};

/// What the gate's own calls may take.
const GATE: Duration = Duration::from_secs(15);

const PREFLIGHT: &str = "preflight";

impl Stack {
    /// What Argo CD does before publishers come to a broker. Nothing where the chart renders no preflight.
    pub async fn preflight(&self) -> Result<()> {
        if self.job(PREFLIGHT).is_none() {
            return Ok(());
        }
        let passed = self.run_job(PREFLIGHT, 0, &["preflight passed"]);
        passed.await.map(drop)
    }

    fn job(&self, name: &str) -> Option<&Value> {
        let mut jobs = self.rendered.of_kind("Job");
        jobs.find(|job| chart::name(job).ends_with(name))
    }

    /// What `task-gate drain` says of a broker; an error unless nothing waits there within `wait`, or where it cannot ask that one.
    pub async fn drain(&self, entry: &str, wait: Duration) -> Result<String> {
        let mut gate = self.gate(&format!("--wait={}s", wait.as_secs()));
        gate.args(["--only", &format!("pubsub-{entry}")]);
        command::output(&mut gate, wait + GATE, "").await
    }

    /// What it says of each subscription, drained or not.
    pub(crate) async fn gate_rows(&self) -> Result<Vec<Value>> {
        let said = command::output(&mut self.gate("--json"), GATE, "").await;
        let said = said.unwrap_or_else(|error| error.to_string());
        let mut rows = serde_json::Deserializer::from_str(&said).into_iter();
        rows.next().and_then(Result::ok).context(said.clone())
    }

    fn gate(&self, arg: &str) -> Command {
        let mut gate = Command::new(self.site.options.binary("task-gate"));
        gate.args(["drain", "--stable=1s", arg, "--objects"]);
        gate.arg(&self.site.resources.watched);
        gate.arg("--secrets").arg(&self.site.resources.secrets);
        let rabbitmq = self.brokers.get("rabbitmq");
        if let Some(Reader::RabbitMq { url, .. }) = rabbitmq.map(|it| &it.declaration.reader) {
            gate.args(["--rabbitmq-management", url]);
        }
        gate
    }

    /// Runs the rendered Job whose name ends in `name` to its end: with this exit code, and with all of `parts` in its log. Where it calls
    /// the API, it is sent to an instance that is ready, as the Service would. How long it took from the start of both containers.
    pub async fn run_job(&self, name: &str, code: i32, parts: &[&str]) -> Result<Duration> {
        let api = self.endpoints.pick()?;
        let job = self.job(name);
        let job = job.with_context(|| format!("the chart renders no Job {name}"))?;
        let (template, spec) = (Deployment::read(job)?, &job["spec"]);
        let limit = spec["activeDeadlineSeconds"].as_u64();
        let limit = Duration::from_secs(limit.context("a Job without activeDeadlineSeconds")?);

        let (site, started) = (&self.site, Instant::now());
        let pod = site.pod_name(name);
        let sidecar = Sidecar::start(site, &template, &pod, None)?;
        let log = site.folder.path.join(format!("{pod}.log"));
        let mut launch = Launch::new(&pod, site.options.binary("task-probe"), &log);
        let command = launch.command.args(&template.args);
        command.envs(pod::environment(site, &pod, &template, &sidecar));
        command.env("API_URL", &api.url);
        let app = Process::start(&mut launch)?;
        let status = timeout(limit, app.wait()).await;
        let status = status.with_context(|| format!("{pod} has not ended within {limit:?}"))??;
        let after = started.elapsed();
        if template.has_native_sidecar() {
            sidecar.terminate(template.grace).await?;
        } else {
            // Nobody ends it but the app: a Job whose sidecar goes on never completes.
            let ended = timeout(template.grace, sidecar.process().wait()).await;
            let goes_on = || format!("{pod} has ended, and its ordinary sidecar goes on");
            ended.with_context(goes_on)??;
        }
        let log = fs::read_to_string(&log)?;
        let expected = status.code() == Some(code);
        ensure!(expected, "ended with {status}, not {code}:\n{log}");
        for part in parts {
            ensure!(log.contains(part), "`{part}` is not in its log:\n{log}");
        }
        Ok(after)
    }
}
