//! Runs checks one after another and counts.

use std::process::ExitCode;

use std::time::Instant;

use anyhow::Result;
use serde::Serialize;

use crate::console::{self, NAME_WIDTH, Step, bold, dim, red};

/// What a check found.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How many tests passed; a check that is one test counts as one.
    pub(crate) passed: usize,
    /// What was measured or counted.
    pub(crate) figures: String,
}

impl From<String> for Outcome {
    fn from(figures: String) -> Self {
        Self { passed: 1, figures }
    }
}

#[derive(Debug)]
pub(crate) struct Report {
    only: Option<String>,
    list: bool,
    json: bool,
    passed: usize,
    results: Vec<Checked>,
}

/// A check that was run.
#[derive(Debug, Serialize)]
struct Checked {
    name: String,
    passed: bool,
    seconds: f32,
    /// What was counted, or why it failed.
    result: String,
}

impl Report {
    pub(crate) fn new(only: Option<String>, list: bool) -> Self {
        Self {
            only,
            list,
            json: false,
            passed: 0,
            results: Vec::new(),
        }
    }

    /// Ends with one line of JSON instead of the count.
    pub(crate) fn json(mut self, json: bool) -> Self {
        self.json = json;
        self
    }

    /// Whether a check of this name is to be run. Lists it instead where that was asked for.
    pub(crate) fn wants(&self, name: &str, promise: &str) -> bool {
        let wanted = self
            .only
            .as_ref()
            .is_none_or(|word| name.contains(word.as_str()));
        if wanted && self.list {
            console::result(format!("{name:<NAME_WIDTH$} {promise}"));
        }
        wanted && !self.list
    }

    /// Runs a check, unless it is not wanted.
    pub(crate) async fn check<O: Into<Outcome>>(
        &mut self,
        name: &str,
        promise: &str,
        check: impl AsyncFnOnce() -> Result<O>,
    ) {
        if !self.wants(name, promise) {
            return;
        }
        let (step, started) = (Step::start(name), Instant::now());
        let (passed, result) = match check().await {
            Ok(outcome) => {
                let outcome = outcome.into();
                self.passed += outcome.passed;
                step.done(&dim(&outcome.figures));
                (true, outcome.figures)
            }
            Err(error) => {
                let reason = format!("{error:#}");
                step.failed(reason.lines().next().unwrap_or_default());
                (false, reason)
            }
        };
        self.results.push(Checked {
            name: name.to_owned(),
            passed,
            seconds: started.elapsed().as_secs_f32(),
            result,
        });
    }

    /// Says once more what failed and why, then the count, as the last line.
    pub(crate) fn end(self) -> ExitCode {
        if self.list {
            return ExitCode::SUCCESS;
        }
        let failed: Vec<_> = self.results.iter().filter(|it| !it.passed).collect();
        for Checked { name, result, .. } in &failed {
            console::note(&format!("\n{}\n{result}", bold(&red(name))));
        }
        match serde_json::to_string(&self.results) {
            Ok(line) if self.json => console::result(line),
            _ => console::result(format!("{} passed, {} failed", self.passed, failed.len())),
        }
        if failed.is_empty() && self.passed > 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
