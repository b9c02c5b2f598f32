//! Runs checks, one after another or some at once, and counts.

use std::process::ExitCode;

use std::time::Instant;

use anyhow::Result;
use futures_util::{StreamExt as _, stream};
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

/// Which checks are run.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Selection {
    /// Runs only what has one of these words in its name: `--only redis,kafka`.
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    only: Vec<String>,
    /// Leaves out what has one of these words in its name.
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    skip: Vec<String>,
    /// Lists what there is, and what each promises.
    #[arg(long)]
    pub(crate) list: bool,
}

impl Selection {
    /// The words that it selects by.
    pub(crate) fn words(&self) -> impl Iterator<Item = &String> {
        self.only.iter().chain(&self.skip)
    }

    /// Whether what has this name is selected.
    pub(crate) fn takes(&self, name: &str) -> bool {
        let has_one = |words: &[String]| words.iter().any(|word| name.contains(word.as_str()));
        (self.only.is_empty() || has_one(&self.only)) && !has_one(&self.skip)
    }
}

#[derive(Debug)]
pub(crate) struct Report {
    selection: Selection,
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
    pub(crate) fn new(selection: Selection) -> Self {
        Self {
            selection,
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
        let wanted = self.selection.takes(name);
        if wanted && self.selection.list {
            console::result(format!("{name:<NAME_WIDTH$} {promise}"));
        }
        wanted && !self.selection.list
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
        let ended = run(name, Step::start(name), check()).await;
        self.enter(ended);
    }

    /// Runs checks that were found to be wanted, up to `most` at once.
    pub(crate) async fn check_at_once<O: Into<Outcome>, C: Future<Output = Result<O>>>(
        &mut self,
        most: usize,
        checks: impl IntoIterator<Item = (&'static str, C)>,
    ) {
        let runs = checks
            .into_iter()
            .map(|(name, check)| async move { run(name, Step::beside(name), check).await });
        let mut runs = stream::iter(runs).buffer_unordered(most);
        while let Some(ended) = runs.next().await {
            self.enter(ended);
        }
    }

    fn enter(&mut self, (passed, checked): (usize, Checked)) {
        self.passed += passed;
        self.results.push(checked);
    }

    /// Says once more what failed and why, then the count, as the last line.
    pub(crate) fn end(self) -> ExitCode {
        if self.selection.list {
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

/// Runs one check; how many tests have passed, and how it ended.
async fn run<O: Into<Outcome>>(
    name: &str,
    step: Step,
    check: impl Future<Output = Result<O>>,
) -> (usize, Checked) {
    let started = Instant::now();
    let (tests, passed, result) = match check.await {
        Ok(outcome) => {
            let outcome = outcome.into();
            step.done(&dim(&outcome.figures));
            (outcome.passed, true, outcome.figures)
        }
        Err(error) => {
            let reason = format!("{error:#}");
            step.failed(reason.lines().next().unwrap_or_default());
            (0, false, reason)
        }
    };
    let checked = Checked {
        name: name.to_owned(),
        passed,
        seconds: started.elapsed().as_secs_f32(),
        result,
    };
    (tests, checked)
}

#[cfg(test)]
mod tests {
    use super::Selection;

    #[test]
    fn several_words_select_and_leave_out() {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let selection = Selection {
            only: words(&["kafka", "crowd"]),
            skip: words(&["restarted"]),
            list: false,
        };
        assert!(selection.takes("retry-kafka"));
        assert!(selection.takes("crowd"));
        assert!(!selection.takes("retry-redis"));
        assert!(!selection.takes("kafka-restarted"));
        assert!(Selection::default().takes("anything"));
    }
}
