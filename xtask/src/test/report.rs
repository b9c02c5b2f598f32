//! Runs checks one after another and counts.

use std::process::ExitCode;

use anyhow::Result;

use crate::console::{self, Step, bold, dim, red};

/// What a check found.
#[derive(Debug)]
pub(super) struct Outcome {
    /// How many tests passed; a check that is one test counts as one.
    pub(super) passed: usize,
    /// What was measured or counted.
    pub(super) figures: String,
}

impl From<String> for Outcome {
    fn from(figures: String) -> Self {
        Self { passed: 1, figures }
    }
}

#[derive(Debug)]
pub(super) struct Report {
    only: Option<String>,
    list: bool,
    passed: usize,
    failed: Vec<(String, String)>,
}

impl Report {
    pub(super) fn new(only: Option<String>, list: bool) -> Self {
        Self {
            only,
            list,
            passed: 0,
            failed: Vec::new(),
        }
    }

    /// Whether a check of this name is to be run. Lists it instead where that was asked for.
    pub(super) fn wants(&self, name: &str, promise: &str) -> bool {
        let wanted = self
            .only
            .as_ref()
            .is_none_or(|word| name.contains(word.as_str()));
        if wanted && self.list {
            console::result(format!("{name:<30} {promise}"));
        }
        wanted && !self.list
    }

    /// Runs a check, unless it is not wanted.
    pub(super) async fn check<O: Into<Outcome>>(
        &mut self,
        name: &str,
        promise: &str,
        check: impl AsyncFnOnce() -> Result<O>,
    ) {
        if !self.wants(name, promise) {
            return;
        }
        let step = Step::start(name);
        match check().await {
            Ok(outcome) => {
                let outcome = outcome.into();
                self.passed += outcome.passed;
                step.done(&dim(&outcome.figures));
            }
            Err(error) => {
                let reason = format!("{error:#}");
                step.failed(reason.lines().next().unwrap_or_default());
                self.failed.push((name.to_owned(), reason));
            }
        }
    }

    /// Says once more what failed and why, then the count, as the last line.
    pub(super) fn end(self) -> ExitCode {
        if self.list {
            return ExitCode::SUCCESS;
        }
        for (name, reason) in &self.failed {
            console::note(&format!("\n{}\n{reason}", bold(&red(name))));
        }
        console::result(format!(
            "{} passed, {} failed",
            self.passed,
            self.failed.len()
        ));
        let ran_something = self.passed > 0;
        if self.failed.is_empty() && ran_something {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
