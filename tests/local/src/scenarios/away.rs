//! The worker is away under load, again and again. Meanwhile events wait in the broker, and when it is back they are caught up with.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use harness::ledger::Ledger;
use harness::worker_log::WorkerLog;
use tokio::time::sleep;

use super::crashes::{DEADLINE, but_unrecorded};
use super::{RATE, Setup, UnderLoad, events, nothing_dead, settled};
use crate::Stack;

use How::{Killed, Paused};

/// Events per second where several brokers share the cores for an hour.
const LONG_RATE: u32 = 30;

/// How the worker goes.
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
    let (seconds, times) = if stack.active() == "kafka" {
        (3, 6)
    } else {
        (10, 1)
    };
    let kinds = &[Paused];
    let absences = Absences {
        seconds,
        times,
        kinds,
        limit: BUSY,
    };
    under_load(stack, RATE, &[absences]).await
}

pub(super) async fn of_any_length(setup: Setup, broker: &str) -> Result<String> {
    let kinds = &[Paused, Killed];
    let ten = |seconds| Absences {
        seconds,
        times: 10,
        kinds,
        limit: stated(seconds),
    };
    alone(setup, broker, &LONG.map(ten)).await
}

pub(super) async fn ten_minutes(setup: Setup, broker: &str) -> Result<String> {
    let kinds = &[Killed];
    let absences = Absences {
        seconds: 600,
        times: 1,
        kinds,
        limit: stated(600),
    };
    alone(setup, broker, &[absences]).await
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
    let UnderLoad { ledger, load } = UnderLoad::at(stack, per_second).await?;
    let mut log = WorkerLog::new(&stack.worker_log());
    let mut told = Vec::new();
    let mut kills = 0;
    for absences in all {
        let Absences {
            seconds,
            times,
            kinds,
            ..
        } = absences;
        let mut back = Back::default();
        for how in kinds.iter().cycle().take(*times) {
            load.acknowledge(events(stack.active()), DEADLINE).await?;
            back.add(absence(stack, *how, absences, &ledger, &mut log).await?);
            kills += usize::from(*how == Killed);
        }
        told.push(format!("{times} x {seconds} s away: {}", back.figures()));
    }
    load.stop().await?;
    let count = settled(stack, &ledger).await?;
    nothing_dead(stack).await?;
    told.push(but_unrecorded(stack, &ledger, count, kills).await?);
    Ok(told.join("; "))
}

/// What is stated in GUARANTEES.md.
const fn stated(seconds: u64) -> Duration {
    Duration::from_secs(2 * seconds + 30)
}

/// After its return: when something had an effect again, and when everything had that was acknowledged before.
async fn absence(
    stack: &Stack,
    how: How,
    absences: &Absences,
    ledger: &Ledger,
    log: &mut WorkerLog,
) -> Result<(Duration, Duration)> {
    let Absences { seconds, limit, .. } = *absences;
    let worker = stack.worker().service()?;
    match how {
        Paused => worker.process().suspend(),
        Killed => worker.kill().await?,
    }
    sleep(Duration::from_secs(seconds)).await;
    log.look().await?;
    log.take_lines();
    let (before, due) = (log.effects().len(), ledger.missing(log.effects()));
    ensure!(!due.is_empty(), "no event waits after {seconds} s");
    let back = Instant::now();
    match how {
        Paused => worker.process().resume(),
        Killed => worker.restart().await?,
    }
    log.wait("an effect", limit, |effects| effects.len() > before)
        .await?;
    let first = back.elapsed();
    log.wait("what had waited", limit, |effects| {
        due.iter().all(|task| effects.contains_key(task))
    })
    .await?;
    let all = back.elapsed();
    ensure!(all <= limit, "caught up with {seconds} s after {all:?}");
    Ok((first, all))
}

/// How it went with all absences of one length.
#[derive(Debug, Default)]
struct Back {
    first: Duration,
    least: Option<Duration>,
    most: Duration,
}

impl Back {
    fn add(&mut self, (first, all): (Duration, Duration)) {
        self.first = self.first.max(first);
        self.least = Some(self.least.map_or(all, |least| least.min(all)));
        self.most = self.most.max(all);
    }

    fn figures(&self) -> String {
        let [first, least, most] =
            [self.first, self.least.unwrap_or_default(), self.most].map(|it| it.as_secs_f32());
        format!("first effect within {first:.1} s, caught up after {least:.1} to {most:.1} s")
    }
}
