//! The worker is away under load, again and again. Meanwhile events wait in the broker, and when it is back they are caught up with.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use harness::refused;
use tokio::time::sleep;

use super::broker_change::GATED;
use super::crashes::but_unrecorded;
use super::{RATE, Setup, UnderLoad, nothing_dead};
use crate::Stack;

use How::{Killed, Paused};

/// Events per second where several brokers share the cores for an hour.
const LONG_RATE: u32 = 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// SIGSTOP, and SIGCONT to come back.
    Paused,
    /// SIGKILL, and a late start to come back.
    Killed,
}

/// Absences of so many seconds, how many, and of which kinds in turn.
type Absences = (u64, usize, &'static [How]);

/// What short absences may take to be caught up with beside other scenarios, on a machine that may be busy: less than the worker's watchdog
/// takes to notice that its sidecar is deaf.
const BUSY: Duration = Duration::from_mins(1);

/// From shorter than anything that is retried to longer than any pause of a connection.
const LONG: [u64; 4] = [1, 5, 20, 90];

/// On a stack that others use as well.
pub(super) async fn shortly(stack: &Stack) -> Result<String> {
    // What daprd does with Kafka shows in some of several pauses, whatever their length.
    let is_kafka = stack.active() == "kafka";
    let (seconds, times) = if is_kafka { (3, 6) } else { (10, 1) };
    under_load(stack, RATE, &[(seconds, times, &[Paused])], BUSY).await
}

pub(super) async fn of_any_length(setup: Setup, broker: &str) -> Result<String> {
    let all = LONG.map(|seconds| (seconds, 10, &[Paused, Killed][..]));
    alone(setup, broker, &all).await
}

pub(super) async fn ten_minutes(setup: Setup, broker: &str) -> Result<String> {
    alone(setup, broker, &[(600, 1, &[Killed])]).await
}

async fn alone(setup: Setup, broker: &str, all: &[Absences]) -> Result<String> {
    let mut options = setup.with_broker(broker);
    // The worker may have its sidecar started again when it hears nothing.
    options.restarts = true;
    let stack = setup.start(options).await?;
    let mut told = vec![under_load(&stack, LONG_RATE, all, Duration::ZERO).await?];
    told.extend(stack.take_restarts());
    Ok(told.join("; "))
}

/// Under load that goes on, each is caught up with within the limit that is stated in GUARANTEES.md, or `least`.
async fn under_load(
    stack: &Stack,
    per_second: u32,
    all: &[Absences],
    least: Duration,
) -> Result<String> {
    let under = UnderLoad::at(stack, per_second).await?;
    let (mut told, mut kills) = (Vec::new(), 0);
    for &(seconds, times, kinds) in all {
        let limit = Duration::from_secs(2 * seconds + 30).max(least);
        let mut slowest = Duration::ZERO;
        for &how in kinds.iter().cycle().take(times) {
            under.go_on().await?;
            let caught_up = away(stack, &under, how, seconds, limit).await?;
            slowest = slowest.max(caught_up);
            kills += usize::from(how == Killed);
        }
        let slowest = slowest.as_secs_f32();
        let away = format!("{times} x {seconds} s away");
        told.push(format!("{away}: caught up within {slowest:.1} s"));
    }
    told.push(but_unrecorded(stack, under, kills).await?);
    nothing_dead(stack).await?;
    Ok(told.join("; "))
}

/// The time from its return until everything had its effect that was acknowledged before.
async fn away(
    stack: &Stack,
    under: &UnderLoad,
    how: How,
    seconds: u64,
    limit: Duration,
) -> Result<Duration> {
    let (worker, effects) = (stack.worker.service()?, &under.effects);
    match how {
        Paused => worker.process().suspend(),
        Killed => worker.kill().await?,
    }
    sleep(Duration::from_secs(seconds)).await;
    let due = under.ledger.missing(&*effects.look().await?);
    ensure!(!due.is_empty(), "no event waits after {seconds} s");
    if GATED.contains(&stack.active()) {
        let drained = stack.drain(stack.active(), Duration::ZERO).await;
        let wrong = "the gate calls a broker empty in which events wait";
        refused(drained, wrong, &["not drained: "])?;
    }
    let back = Instant::now();
    match how {
        Paused => worker.process().resume(),
        Killed => worker.restart().await?,
    }
    effects.wait_for("what had waited", limit, &due).await?;
    let all = back.elapsed();
    ensure!(all <= limit, "caught up with {seconds} s after {all:?}");
    Ok(all)
}
