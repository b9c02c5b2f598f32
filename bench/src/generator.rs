//! Load, from a thread with a runtime of its own: nothing else of the bench waits for it or makes it wait.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;
use tokio::runtime::Builder;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::timeout;
use uuid::Uuid;

use super::target::Target;

const DEADLINE: Duration = Duration::from_secs(10);

/// How calls follow each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// Calls under way at once.
    pub(super) connections: usize,
    pub(super) duration: Duration,
    /// An open loop: so many calls a second, however long the answers take. Otherwise each answer is followed by the next call.
    pub(super) rate: Option<u32>,
}

/// What was acknowledged.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) events: u32,
    pub(super) took: Duration,
    pub(super) tasks: Vec<Uuid>,
    /// In microseconds from when a call was due, so that what one answer holds up counts too.
    pub(super) latencies: Histogram<u64>,
}

/// Publishes from a thread of its own.
pub(super) async fn publish(target: &Target, load: Load) -> Result<Published> {
    let (sender, result) = oneshot::channel();
    let target = target.clone();
    std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        let ended = match runtime {
            Ok(runtime) => LocalSet::new().block_on(&runtime, run(&target, load)),
            Err(error) => Err(error.into()),
        };
        // Nobody waits any more when the bench was interrupted.
        drop(sender.send(ended));
    });
    result.await.context("the load has ended early")?
}

async fn run(target: &Target, load: Load) -> Result<Published> {
    let callers = target.callers(load.connections).await?;
    let started = Instant::now();
    let clock = load.rate.map(|rate| clock(rate, load.duration));
    let clock = Rc::new(clock.map(Mutex::new));
    let mut loops = JoinSet::new();
    for mut caller in callers {
        let clock = Rc::clone(&clock);
        loops.spawn_local(async move {
            let (mut events, mut tasks) = (0, Vec::new());
            let mut latencies = Histogram::new_with_bounds(1, 60_000_000, 3)?;
            loop {
                let due = match &*clock {
                    Some(clock) => clock.lock().await.recv().await,
                    None => Some(Instant::now()).filter(|it| *it < started + load.duration),
                };
                let Some(due) = due else { break };
                let call = timeout(DEADLINE, caller.publish(&mut tasks)).await;
                events += call.context("no answer")??;
                latencies.saturating_record(u64::try_from(due.elapsed().as_micros())?);
            }
            anyhow::Ok((events, tasks, latencies))
        });
    }
    let (mut events, mut tasks) = (0, Vec::new());
    let mut latencies = Histogram::new_with_bounds(1, 60_000_000, 3)?;
    while let Some(ended) = loops.join_next().await {
        let (more, of_one, taken) = ended??;
        events += more;
        tasks.extend(of_one);
        latencies.add(taken)?;
    }
    let took = started.elapsed();
    Ok(Published {
        events,
        took,
        tasks,
        latencies,
    })
}

/// Says when a call is due. A thread of its own: tokio's timers are a millisecond late, which is longer than what is measured.
fn clock(rate: u32, duration: Duration) -> mpsc::UnboundedReceiver<Instant> {
    let (sender, due) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let (mut next, pause) = (Instant::now(), Duration::from_secs(1) / rate);
        let end = next + duration;
        while next < end {
            // May end early.
            while let Some(left) = next.checked_duration_since(Instant::now()) {
                std::thread::park_timeout(left);
            }
            if sender.send(next).is_err() {
                return;
            }
            next += pause;
        }
    });
    due
}
