//! Promises as tests: each runs by itself, says what it counted, and several run at once.

use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use crate::console::{self, Step};
use crate::interrupt;

/// A scenario under way; the text is what was counted.
pub type Run = Pin<Box<dyn Future<Output = Result<String>>>>;

/// A promise and the run that proves it.
#[derive(Debug)]
pub struct Scenario<S: 'static> {
    /// The test's name.
    pub name: &'static str,
    /// What is promised.
    pub promise: &'static str,
    /// What it takes of the machine.
    pub weight: Weight,
    /// What it needs to be installed, such as a broker: shown by `--list` as the test's kind.
    pub needs: &'static [&'static str],
    /// Runs it.
    pub run: fn(S) -> Run,
}

/// What a scenario takes of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It mostly waits.
    Light,
    /// Events flow as fast as a core or two carry them.
    Load,
}

/// Runs the scenarios that the command line selects, as `cargo test` would: the options and exit codes are those of libtest, and
/// a filter may be several words with commas between them. Those whose names begin with `long-` are ignored unless they are asked for. At
/// once run so many that mostly wait, and so many under load. `setup` is what each of them may use.
pub fn main<S: Clone + Send + 'static>(
    scenarios: &'static [Scenario<S>],
    (light, load): (usize, usize),
    setup: impl FnOnce() -> Result<S>,
) -> ExitCode {
    let mut args = Arguments::from_args();
    // Nothing is needed to list them.
    let setup = (!args.list).then(setup).transpose();
    let ready = setup.and_then(|setup| Ok((setup, Arc::new(Runtime::new()?))));
    let (setup, runtime) = match ready {
        Ok(ready) => ready,
        Err(error) => return console::failure(&error),
    };
    let [light, load] = [light, load].map(|most| Arc::new(Semaphore::new(most)));
    let trial = |scenario: &'static Scenario<S>| {
        let (setup, runtime) = (setup.clone(), runtime.clone());
        let turn = match scenario.weight {
            Weight::Light => light.clone(),
            Weight::Load => load.clone(),
        };
        let run = move || {
            let run = async {
                let _turn = turn.acquire().await?;
                let step = Step::beside(scenario.name);
                let setup = setup.context("it was to be listed only")?;
                let ended = (scenario.run)(setup).await;
                let ended = ended.with_context(|| format!("promised: {}", scenario.promise));
                match &ended {
                    Ok(figures) => step.done(figures),
                    Err(error) => step.failed(&format!("{error:#}")),
                }
                ended.map(drop)
            };
            let ended = runtime.block_on(interrupt::or_interrupted(run));
            ended.map_err(|error| Failed::from(format!("{error:#}")))
        };
        let trial = Trial::test(scenario.name, run).with_kind(scenario.needs.join(","));
        trial.with_ignored_flag(scenario.name.starts_with("long-"))
    };
    let words = args.filter.take();
    let words: Vec<_> = words.iter().flat_map(|it| it.split(',')).collect();
    let wanted =
        |it: &&Scenario<S>| words.is_empty() || words.iter().any(|word| it.name.contains(word));
    let trials: Vec<_> = scenarios.iter().filter(wanted).map(trial).collect();
    // Each waits for its turn in a thread of its own.
    args.test_threads.get_or_insert(trials.len().max(1));
    let ended = libtest_mimic::run(&args, trials);
    console::slowest("slowest");
    ended.exit_code()
}
