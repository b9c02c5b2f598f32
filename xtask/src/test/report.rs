//! Runs checks and counts.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, anyhow};
use harness::console::{self, NAME_WIDTH, Step, style};
use tokio::time::timeout;

/// One that has not ended by then never will. On a busy machine with nothing built `units` takes half of it.
const LONGEST: Duration = Duration::from_mins(40);

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
    pub(crate) only: Vec<String>,
    /// Leaves out what has one of these words in its name.
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,
    /// Adds the scenarios that take an hour; `--long --only long` runs just these.
    #[arg(long)]
    pub(crate) long: bool,
    /// Lists what there is.
    #[arg(long)]
    pub(crate) list: bool,
}

impl Selection {
    /// The same for a test program, with `only` in place of its own words.
    pub(crate) fn arguments(&self, only: &[String]) -> Vec<String> {
        let skip = self.skip.iter().map(|word| format!("--skip={word}"));
        let long = self.long.then(|| "--include-ignored".to_owned());
        [only.join(",")]
            .into_iter()
            .chain(skip)
            .chain(long)
            .collect()
    }

    /// Whether what has this name is selected.
    pub(crate) fn takes(&self, name: &str) -> bool {
        let has_one = |words: &[String]| words.iter().any(|word| name.contains(word.as_str()));
        (self.only.is_empty() || has_one(&self.only)) && !has_one(&self.skip)
    }
}

#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) selection: Selection,
    passed: usize,
    failures: Vec<(String, String)>,
    names: Vec<String>,
}

impl Report {
    pub(crate) fn new(selection: Selection) -> Self {
        Self {
            selection,
            passed: 0,
            failures: Vec::new(),
            names: Vec::new(),
        }
    }

    /// Runs a check, unless it is not wanted. Lists it instead where that was asked for.
    pub(crate) async fn check<O: Into<Outcome>>(
        &mut self,
        name: &str,
        promise: &str,
        check: impl AsyncFnOnce() -> Result<O>,
    ) {
        self.names.push(name.to_owned());
        if !self.selection.takes(name) {
            return;
        }
        if self.selection.list {
            console::result(format!("{name:<NAME_WIDTH$} {promise}"));
            return;
        }
        let step = Step::start(name);
        let stuck = |_| Err(anyhow!("not done after {LONGEST:?}, and ended"));
        let ended = timeout(LONGEST, check()).await.unwrap_or_else(stuck);
        match ended.map(Into::into) {
            Ok(Outcome { passed, figures }) => {
                step.done(&style(figures).dim().for_stderr().to_string());
                self.passed += passed;
            }
            Err(error) => {
                let reason = format!("{error:#}");
                step.failed(reason.lines().next().unwrap_or_default());
                self.fail(name, reason);
            }
        }
    }

    /// The words of `--only` with which no check so far begins, so that tests may be meant; `None` when all of several do.
    pub(crate) fn other_words(&self) -> Option<Vec<String>> {
        let named = |word: &String| {
            self.names
                .iter()
                .any(|name| name.starts_with(word.as_str()))
        };
        let only = &self.selection.only;
        let others: Vec<_> = only.iter().filter(|word| !named(word)).cloned().collect();
        (only.is_empty() || !others.is_empty()).then_some(others)
    }

    /// Tests have passed that showed themselves.
    pub(crate) fn pass(&mut self, tests: usize) {
        self.passed += tests;
    }

    /// Something has failed that showed itself.
    pub(crate) fn fail(&mut self, name: &str, reason: String) {
        self.failures.push((name.to_owned(), reason));
    }

    /// Says what was slow, and once more what failed and why, then the count, as the last line.
    pub(crate) fn end(self) -> ExitCode {
        if self.selection.list {
            return ExitCode::SUCCESS;
        }
        console::slowest("slowest checks");
        for (name, reason) in &self.failures {
            let name = style(name).red().bold().for_stderr();
            console::note(&format!("\n{name}\n{reason}"));
        }
        let failed = self.failures.len();
        console::result(format!("{} passed, {failed} failed", self.passed));
        if failed == 0 && self.passed > 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Report, Selection};

    #[test]
    fn a_word_within_the_name_of_a_check_may_mean_tests() {
        let others = |word: &str| {
            let mut report = Report::new(Selection {
                only: vec![word.to_owned()],
                ..Selection::default()
            });
            report.names.push("workflows".to_owned());
            report.other_words()
        };
        assert_eq!(others("flow"), Some(vec!["flow".to_owned()]));
        assert_eq!(others("work"), None);
    }

    #[test]
    fn several_words_select_and_leave_out() {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let selection = Selection {
            only: words(&["kafka", "crowd"]),
            skip: words(&["restarted"]),
            ..Selection::default()
        };
        assert!(selection.takes("retry-kafka"));
        assert!(selection.takes("crowd"));
        assert!(!selection.takes("retry-redis"));
        assert!(!selection.takes("kafka-restarted"));
        assert!(Selection::default().takes("anything"));
    }
}
