//! From `POST /tasks` to the effect, counted: every task that was acknowledged has had its effect, or there is no figure.

use std::time::{Duration, Instant};

use anyhow::Result;
use local_stack::Stack;
use uuid::Uuid;

use super::Counted;
use super::figures::Figures;
use super::generator::{Load, publish};
use super::target::Target;
use super::usage::Processes;

/// Everything that was acknowledged has its effect by then, or is lost.
const DEADLINE: Duration = Duration::from_mins(2);

/// The most that is spent on what has just been started.
const WARM: Duration = Duration::from_secs(5);

/// When the worker has written nothing for so long, it is time to read.
const QUIET: Duration = Duration::from_millis(500);

/// Tasks for the time of a round, as fast as they are taken, and then until the last effect. Returns events a second, how many tasks had
/// no effect, and how many had several.
pub(super) async fn measure(
    key: &str,
    stack: &Stack,
    target: &Target,
    load: Load,
    figures: &mut Figures,
) -> Result<(f64, Counted)> {
    // What has just been started is slower.
    let duration = (load.duration / 5).min(WARM);
    let warm = publish(target, Load { duration, ..load }).await?.tasks;
    last_effect(stack, &warm).await?;

    let processes = Processes::of(stack, &[&stack.api, &stack.worker]);
    let started = Instant::now();
    let work = async {
        let published = publish(target, load).await?;
        let last = last_effect(stack, &published.tasks).await?;
        Ok((published, last.duration_since(started)))
    };
    let ((published, took), usage) = processes.during(load.duration, work).await?;
    let rate = figures.run(key, published.events, took, usage);
    let effects = stack.effects();
    let effects = effects.look().await?;
    let tasks = || warm.iter().chain(&published.tasks);
    let lost = tasks().filter(|task| !effects.contains_key(task));
    let doubled = tasks().filter(|task| effects.get(task).is_some_and(|it| *it > 1));
    let counted = Counted {
        lost: lost.count(),
        doubled: doubled.count(),
    };
    Ok((rate, counted))
}

/// When the last effect of these tasks was logged. The log is not read while it grows: that would take the worker's processor.
async fn last_effect(stack: &Stack, tasks: &[Uuid]) -> Result<Instant> {
    let (effects, started) = (stack.effects(), Instant::now());
    let (mut size, mut last) = (0, started);
    loop {
        tokio::time::sleep(QUIET / 50).await;
        let now = std::fs::metadata(stack.log("task-worker"))?.len();
        if now != size {
            (size, last) = (now, Instant::now());
        } else if last.elapsed() > QUIET {
            let effects = effects.look().await?;
            // What is missing then is counted by the caller.
            if started.elapsed() > DEADLINE || tasks.iter().all(|it| effects.contains_key(it)) {
                return Ok(last);
            }
        }
    }
}
