//! What was measured. Each figure has a sample from each round, and its median counts.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::Toolbox;
use serde_json::{Value, json};

use super::usage::{LOAD, Usage};

/// By their names in JSON; a dot is for an object in the object.
#[derive(Debug, Default)]
pub(super) struct Figures {
    samples: BTreeMap<String, Vec<f64>>,
    /// What was not measured, and why.
    pub(super) left_out: BTreeMap<&'static str, String>,
}

impl Figures {
    pub(super) fn add(&mut self, name: impl Into<String>, sample: f64) {
        self.samples.entry(name.into()).or_default().push(sample);
    }

    /// A run under load.
    pub(super) fn run(&mut self, key: &str, events: u32, took: Duration, usage: Usage) -> f64 {
        let rate = f64::from(events) / took.as_secs_f64();
        self.add(format!("{key}_per_second"), rate);
        for (process, (processor, memory)) in usage {
            let processor = processor / f64::from(events.max(1));
            self.add(format!("{key}_cpu_us.{process}"), processor);
            self.add(format!("{key}_mib.{process}"), memory);
        }
        rate
    }

    /// Its least, its median, its most.
    pub(super) fn spread(&self, name: &str) -> Option<[f64; 3]> {
        let mut samples = self.samples.get(name)?.clone();
        samples.sort_by(f64::total_cmp);
        let median = samples.get(samples.len() / 2)?;
        Some([*samples.first()?, *median, *samples.last()?])
    }

    pub(super) fn median(&self, name: &str) -> Option<f64> {
        Some(self.spread(name)?[1])
    }

    /// How often the rate of another fits into that of one.
    pub(super) fn ratio(&self, one: &str, other: &str) -> Option<f64> {
        let rate = |key| self.median(&format!("{key}_per_second"));
        Some(rate(one)? / rate(other)?)
    }

    /// Whose figures of this group there are.
    pub(super) fn processes(&self, group: &str) -> impl Iterator<Item = &str> {
        let names = self.samples.keys();
        names.filter_map(move |name| name.strip_prefix(group))
    }

    /// Microseconds on a processor, of all processes but the load.
    fn processor(&self, key: &str) -> Option<f64> {
        let key = format!("{key}_cpu_us.");
        let of = |name: &&String| name.starts_with(&key) && !name.ends_with(LOAD);
        let all = self.samples.keys().filter(of);
        let sum: f64 = all.filter_map(|name| self.median(name)).sum();
        (sum > 0.0).then_some(sum)
    }

    /// All medians, on top of `about`.
    pub(super) fn medians(&self, about: Value) -> Value {
        let mut all = about;
        for name in self.samples.keys() {
            let figure = number(self.median(name));
            match name.split_once('.') {
                Some((group, name)) => all[group][name] = figure,
                None => all[name] = figure,
            }
        }
        all
    }

    /// The medians, and what follows from them. What could not be measured is null.
    pub(super) fn json(&self, about: Value, toolbox: &Toolbox) -> Result<Value> {
        let mut all = self.medians(about);
        for key in self.left_out.keys() {
            all[format!("{key}_per_second")] = Value::Null;
        }
        for (name, one, other) in [
            (
                "post_tasks_vs_grpc_defaults",
                "post_tasks_defaults",
                "sidecar_grpc_defaults",
            ),
            (
                "post_tasks_vs_grpc_same_settings",
                "post_tasks",
                "sidecar_grpc",
            ),
            ("ratio_to_sidecar_grpc", "post_tasks", "sidecar_grpc"),
            ("post_tasks_vs_bulk", "post_tasks", "sidecar_bulk"),
            ("post_tasks_vs_fastapi", "post_tasks", "fastapi"),
        ] {
            all[name] = number(self.ratio(one, other));
        }
        for (name, median) in [
            ("task_api_cpu_us", "post_tasks_cpu_us.task-api"),
            ("task_worker_cpu_us", "end_to_end_cpu_us.task-worker"),
            ("task_api_idle_mib", "idle_mib.task-api"),
            ("task_worker_idle_mib", "idle_mib.task-worker"),
        ] {
            all[name] = number(self.median(median));
        }
        for quantile in ["p50", "p99"] {
            let of = |name: &str| self.median(&format!("{name}_{quantile}_ms"));
            let added = of("latency").zip(of("sidecar_latency"));
            all[format!("added_{quantile}_ms")] = number(added.map(|(all, rest)| all - rest));
        }
        let with = self.processor("end_to_end");
        let both = with.zip(self.processor("end_to_end_without_inbox"));
        all["inbox_share"] = number(both.map(|(with, without)| 1.0 - without / with));
        for name in ["task-api", "task-worker"] {
            let file = toolbox.services.join(name);
            let size = std::fs::metadata(&file).with_context(|| file.display().to_string())?;
            all[format!("{}_binary_bytes", name.replace('-', "_"))] = json!(size.len());
        }
        all["left_out"] = json!(self.left_out);
        Ok(all)
    }
}

/// Three digits say enough.
fn number(figure: Option<f64>) -> Value {
    json!(figure.map(|it| (it * 1e3).round() / 1e3))
}
