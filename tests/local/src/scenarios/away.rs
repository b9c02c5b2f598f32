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

/// So many absences of the same length, of the kinds in turn.
struct Absences {
    seconds: u64,
    times: usize,
    kinds: &'static [How],
    /// What each may take to be caught up with, under load that goes on.
    limit: Duration,
}

/// For short absences beside other scenarios, on a machine that may be busy: less than the worker's watchdog takes to notice that its
/// sidecar is deaf.
const BUSY: Duration = Duration::from_mins(1);

/// From shorter than anything that is retried to longer than any pause of a connection.
const LONG: [u64; 4] = [1, 5, 20, 90];

/// On a stack that others use as well.
pub(super) async fn shortly(stack: &Stack) -> Result<String> {
    // What daprd does with Kafka shows in some of several pauses, whatever their length.
    let is_kafka = stack.active() == "kafka";
    let (seconds, times) = if is_kafka { (3, 6) } else { (10, 1) };
    let mut absences = long(seconds, times, &[Paused]);
    absences.limit = BUSY;
    under_load(stack, RATE, &[absences]).await
}

pub(super) async fn of_any_length(setup: Setup, broker: &str) -> Result<String> {
    let all = LONG.map(|seconds| long(seconds, 10, &[Paused, Killed]));
    alone(setup, broker, &all).await
}

pub(super) async fn ten_minutes(setup: Setup, broker: &str) -> Result<String> {
    alone(setup, broker, &[long(600, 1, &[Killed])]).await
}

/// With the limit that is stated in GUARANTEES.md.
const fn long(seconds: u64, times: usize, kinds: &'static [How]) -> Absences {
    Absences {
        seconds,
        times,
        kinds,
        limit: Duration::from_secs(2 * seconds + 30),
    }
}

async fn alone(setup: Setup, broker: &str, all: &[Absences]) -> Result<String> {
    let mut options = setup.with_broker(broker);
    // The worker may have its sidecar started again when it hears nothing.
    options.restarts = true;
    let stack = setup.start(options).await?;
    let mut told = vec![under_load(&stack, LONG_RATE, all).await?];
    told.extend(stack.take_restarts());
    Ok(told.join("; "))
}

async fn under_load(stack: &Stack, per_second: u32, all: &[Absences]) -> Result<String> {
    let under = UnderLoad::at(stack, per_second).await?;
    let (mut told, mut kills) = (Vec::new(), 0);
    for absences in all {
        let (seconds, times) = (absences.seconds, absences.times);
        let mut slowest = Duration::ZERO;
        for how in absences.kinds.iter().cycle().take(times) {
            under.go_on().await?;
            slowest = slowest.max(absences.once(*how, stack, &under).await?);
            kills += usize::from(*how == Killed);
        }
        let slowest = slowest.as_secs_f32();
        let away = format!("{times} x {seconds} s away");
        told.push(format!("{away}: caught up within {slowest:.1} s"));
    }
    told.push(but_unrecorded(stack, under, kills).await?);
    nothing_dead(stack).await?;
    Ok(told.join("; "))
}

impl Absences {
    /// The time from its return until everything had its effect that was acknowledged before.
    async fn once(&self, how: How, stack: &Stack, under: &UnderLoad) -> Result<Duration> {
        let (seconds, limit, effects) = (self.seconds, self.limit, &under.effects);
        let worker = stack.worker.service()?;
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
}
