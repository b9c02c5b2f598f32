//! What becomes of RETRY: deliveries until the handler works, or until the budget of attempts is used up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use dapr_pubsub::CloudEvent;
use harness::until;
use service_kit::shutdown::Shutdown;
use task_worker::{Config, Effect, EffectError, Listeners, TaskCreated};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{QUIET, RETRIES, posts};
use crate::{App, Stack};

/// Fewer than [`RETRIES`].
const REFUSALS: u32 = 3;
const EVENTS: usize = 5;

/// The title of tasks that nobody can do, and how many there are.
const HOPELESS: &str = "never";
const HOPELESS_EVENTS: usize = 2;
const DEADLINE: Duration = Duration::from_mins(1);

/// Fails the first [`REFUSALS`] times for each task, then works, but never for the [`HOPELESS`] ones.
#[derive(Debug, Clone, Default)]
struct Flaky(Arc<Mutex<Seen>>);

/// Deliveries and effects of each task.
type Seen = HashMap<Uuid, (u32, u32)>;

impl Flaky {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Effect for Flaky {
    async fn was_applied(&self, _event: &CloudEvent<TaskCreated>) -> Result<bool, EffectError> {
        Ok(false)
    }

    async fn apply(&self, event: &CloudEvent<TaskCreated>) -> Result<(), EffectError> {
        let mut seen = self.seen();
        let (deliveries, effects) = seen.entry(event.data.task_id).or_default();
        *deliveries += 1;
        if *deliveries <= REFUSALS || event.data.title == HOPELESS {
            return Err(EffectError::Transient(anyhow!("not yet")));
        }
        *effects += 1;
        Ok(())
    }
}

/// `task-worker` inside this process, until it is dropped, with that effect: the stack's worker rolls to it, and it has the environment
/// that its Deployment gives it.
async fn hosted(stack: &mut Stack, effect: Flaky) -> Result<JoinSet<Result<()>>> {
    let events = TcpListener::bind("127.0.0.1:0").await?;
    let admin = TcpListener::bind("127.0.0.1:0").await?;
    let port = events.local_addr()?.port();
    stack.roll_worker_to(App::External(port)).await?;

    let mut env = stack.worker.template.env.clone();
    env.extend(stack.worker.sidecar.app_env());
    let config = crate::environment::parse::<Config>(&[], &env);
    let config = config.context("the worker's environment in the chart")?;
    let shutdown = Shutdown::new(config.service.shutdown);
    let listeners = Listeners { app: events, admin };
    let mut worker = JoinSet::new();
    worker.spawn(task_worker::run(config, listeners, effect, shutdown));
    Ok(worker)
}

/// The worker's pod is replaced by one whose app runs in this process, with that effect.
pub(super) async fn retried(stack: &mut Stack) -> Result<String> {
    let effect = Flaky::default();
    let _worker = hosted(stack, effect.clone()).await?;
    let hopeless = posts(stack, HOPELESS, HOPELESS_EVENTS).await?;
    let tasks = posts(stack, "task", EVENTS).await?;
    until("every event handled", DEADLINE, async || {
        let seen = effect.seen();
        let done = seen.values().filter(|(_, effects)| *effects > 0).count();
        Ok((done < EVENTS).then(|| format!("{done} of {EVENTS}")))
    })
    .await?;
    let dead: Vec<_> = hopeless.iter().map(Uuid::to_string).collect();
    in_the_dead_letters(stack, &dead).await?;
    // One more delivery would come within a retry interval and a lease.
    tokio::time::sleep(QUIET).await;
    for (tasks, expected) in [(&tasks, (REFUSALS + 1, 1)), (&hopeless, (RETRIES + 1, 0))] {
        for task in tasks {
            let seen = effect.seen()[task];
            ensure!(seen == expected, "{task}: {seen:?}, not {expected:?}");
        }
    }
    let letters = stack.dead_letters().await?;
    let dead = tasks.iter().any(|task| letters.contains(&task.to_string()));
    ensure!(
        !dead,
        "in the dead letters in spite of its effect: {letters}"
    );
    let (some, all) = (REFUSALS + 1, RETRIES + 1);
    Ok(format!(
        "{EVENTS} events with {some} deliveries and 1 effect each, {HOPELESS_EVENTS} dead after {all} deliveries"
    ))
}

/// Waits until the ids of all these events or tasks stand in the dead letters, which it returns.
pub(super) async fn in_the_dead_letters(stack: &Stack, ids: &[String]) -> Result<String> {
    let mut letters = String::new();
    until("events in the dead letters", DEADLINE, async || {
        letters = stack.dead_letters().await?;
        let missing: Vec<_> = ids.iter().filter(|id| !letters.contains(*id)).collect();
        Ok((!missing.is_empty()).then(|| format!("{missing:?} not there")))
    })
    .await?;
    Ok(letters)
}
