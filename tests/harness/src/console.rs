//! What people read. Progress and remarks go to standard error, results to standard output, so that `--json` stays clean.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

pub use ::console::style;

use crate::interrupt::Interrupted;

/// 128 + SIGINT, as shells report it.
const INTERRUPTED: u8 = 130;

/// No step, check or scenario has a longer name.
pub const NAME_WIDTH: usize = 32;

/// The spinners of steps that are under way at once, each in its line below what is said meanwhile.
static SPINNERS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// How long each step has taken that has ended.
static TOOK: Mutex<Vec<(Duration, String)>> = Mutex::new(Vec::new());

/// So many of them are named at the end.
const SLOWEST: usize = 5;

/// A step that is under way: a spinner on a terminal, else one line when it has ended.
#[derive(Debug)]
pub struct Step {
    name: String,
    bar: ProgressBar,
}

impl Step {
    /// Starts a step and shows it.
    pub fn start(name: impl Into<String>) -> Self {
        let name = name.into();
        let style = ProgressStyle::with_template("  {spinner} {msg} {elapsed:.dim}");
        let bar = SPINNERS.add(ProgressBar::new_spinner().with_message(name.clone()));
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { name, bar }
    }

    /// One that takes minutes: a line says so at its start where there is no terminal.
    pub fn announce(name: impl Into<String>) -> Self {
        let name = name.into();
        if !std::io::stderr().is_terminal() {
            note(&format!("  … {name}"));
        }
        Self::start(name)
    }

    /// One of several at once: only its end is shown.
    pub fn beside(name: impl Into<String>) -> Self {
        let (name, bar) = (name.into(), ProgressBar::hidden());
        Self { name, bar }
    }

    /// Shows what part of the step is being done.
    pub fn detail(&self, detail: &str) {
        self.bar.set_message(format!("{}: {detail}", self.name));
    }

    /// How the spinner can be told of details from elsewhere.
    pub fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }

    /// The step has succeeded; `result` says what came out.
    pub fn done(self, result: &str) {
        self.end(&style("✓").green().for_stderr(), result);
    }

    /// The step has failed.
    pub fn failed(self, reason: &str) {
        self.end(&style("✗").red().for_stderr(), reason);
    }

    fn end(&self, mark: &impl Display, result: &str) {
        self.bar.finish_and_clear();
        let (name, took) = (&self.name, self.bar.elapsed());
        let seconds = took.as_secs_f32();
        note(&format!(
            "  {mark} {name:<NAME_WIDTH$} {seconds:>6.1} s  {result}"
        ));
        let mut all = TOOK.lock().unwrap_or_else(PoisonError::into_inner);
        all.push((took, name.clone()));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A line for people.
pub fn note(line: &str) {
    SPINNERS.suspend(|| drop(writeln!(std::io::stderr(), "{line}")));
}

/// A line of the result.
pub fn result(line: impl Display) {
    SPINNERS.suspend(|| drop(writeln!(std::io::stdout(), "{line}")));
}

/// Names the steps that took longest, where there were many.
pub fn slowest(what: &str) {
    let mut took = TOOK.lock().unwrap_or_else(PoisonError::into_inner);
    took.sort_unstable_by(|one, other| other.cmp(one));
    if let Some(slowest) = took.get(..SLOWEST) {
        let named = |(took, name): &(Duration, String)| format!("{name} {} s", took.as_secs());
        let slowest: Vec<_> = slowest.iter().map(named).collect();
        note(&format!("{what}: {}", slowest.join(", ")));
    }
}

/// Reports why a command failed.
pub fn failure(error: &anyhow::Error) -> ExitCode {
    if error.is::<Interrupted>() {
        note(&error.to_string());
        return ExitCode::from(INTERRUPTED);
    }
    note(&format!("{} {error:#}", style("error:").red().for_stderr()));
    ExitCode::FAILURE
}
