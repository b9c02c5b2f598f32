//! What becomes of RETRY, DROP and events that cannot be read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use dapr_pubsub::{CloudEvent, NewEvent, Publisher, PublisherOptions};
use serde_json::json;
use task_worker::{Effect, EffectError, TaskCreated};
use uuid::Uuid;

use super::Setup;
use crate::Stack;
use crate::in_process::{self, InProcess};
use crate::load;
use harness::chart::merge;
use harness::ledger::Ledger;
use harness::wait::until;

const REFUSALS: u32 = 3;
const EVENTS: usize = 5;

/// What is tried in vain after the first attempt: more than [`REFUSALS`], and with the interval longer than a lease.
const RETRIES: u32 = 8;

/// The title of tasks that nobody can do, and how many there are.
const HOPELESS: &str = "never";
const HOPELESS_EVENTS: usize = 2;
const DEADLINE: Duration = Duration::from_secs(40);

/// Fails the first [`REFUSALS`] times for each task, then works, but never for the [`HOPELESS`] ones.
#[derive(Debug, Clone, Default)]
struct Flaky {
    seen: Arc<Mutex<HashMap<Uuid, Seen>>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    deliveries: u32,
    effects: u32,
}

impl Flaky {
    fn seen(&self) -> HashMap<Uuid, Seen> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Effect for Flaky {
    async fn was_applied(&self, _event: &CloudEvent<TaskCreated>) -> Result<bool, EffectError> {
        Ok(false)
    }

    async fn apply(&self, event: &CloudEvent<TaskCreated>) -> Result<(), EffectError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.entry(event.data.task_id).or_default();
        seen.deliveries += 1;
        if seen.deliveries <= REFUSALS || event.data.title == HOPELESS {
            return Err(EffectError::Transient(anyhow!("not yet")));
        }
        seen.effects += 1;
        Ok(())
    }
}

pub(super) async fn retried(setup: Setup, broker: &str) -> Result<String> {
    let effect = Flaky::default();
    let mut options = setup.with_broker(broker);
    let budget = json!({"delivery": {"retry": {"maxRetries": RETRIES}}});
    merge(&mut options.values, &budget);
    let InProcess { stack, .. } = &in_process::start(options, effect.clone()).await?;
    stack.preflight().await?;
    let hopeless = post(stack, HOPELESS, HOPELESS_EVENTS).await?;
    let tasks = post(stack, "task", EVENTS).await?;
    until("every event handled", DEADLINE, async || {
        let seen = effect.seen();
        let done = seen.values().filter(|seen| seen.effects > 0).count();
        Ok((done < EVENTS).then(|| format!("{done} of {EVENTS}")))
    })
    .await?;
    let topic = stack.dead_letter_topic(broker)?;
    in_the_topic(stack, topic, &hopeless).await?;
    // One more delivery would come within a retry interval and a lease.
    tokio::time::sleep(super::QUIET).await;
    let seen = effect.seen();
    for (tasks, deliveries, effects) in [(&tasks, REFUSALS + 1, 1), (&hopeless, RETRIES + 1, 0)] {
        let expected = Seen {
            deliveries,
            effects,
        };
        for task in tasks {
            let seen = task.parse().ok().and_then(|task: Uuid| seen.get(&task));
            ensure!(
                seen == Some(&expected),
                "{task}: {seen:?}, not {expected:?}"
            );
        }
    }
    let letters = stack.read_topic(broker, topic).await?.concat();
    ensure!(
        !tasks.iter().any(|task| letters.contains(task)),
        "in the dead letters in spite of its effect: {letters}"
    );
    Ok(format!(
        "{EVENTS} events, {} deliveries and 1 effect each; {HOPELESS_EVENTS} in the dead letters after {} deliveries",
        REFUSALS + 1,
        RETRIES + 1
    ))
}

/// Posts so many tasks; returns their ids.
async fn post(stack: &Stack, title: &str, tasks: usize) -> Result<Vec<String>> {
    let endpoint = stack.endpoints().pick().context("no instance is ready")?;
    let mut ids = Vec::new();
    for _ in 0..tasks {
        let posted = load::post(stack.http(), &endpoint, title, &Ledger::default()).await;
        ids.push(
            posted
                .map_err(|failure| anyhow!("{failure:?}"))?
                .id
                .to_string(),
        );
    }
    Ok(ids)
}

/// Waits until the ids of all these events or tasks stand in what a topic has stored.
async fn in_the_topic(stack: &Stack, topic: &str, ids: &[String]) -> Result<()> {
    until("events in the dead-letter topic", DEADLINE, async || {
        let letters = stack.read_topic(stack.broker(), topic).await?.concat();
        let missing: Vec<_> = ids.iter().filter(|id| !letters.contains(*id)).collect();
        Ok((!missing.is_empty()).then(|| format!("{missing:?} not there")))
    })
    .await
}

pub(super) async fn dead_letters(setup: Setup, broker: &str) -> Result<String> {
    let stack = &setup.start(setup.with_broker(broker)).await?;
    // Published past the API, as a faulty publisher would.
    let sidecar = stack.api().sidecar().client()?;
    let api = stack.api().template();
    let options = PublisherOptions::new(api.variable("PUBSUB_NAME")?, api.variable("TOPIC")?);
    let publisher = Publisher::new(&sidecar, options);
    let wrong_shape = json!({"event_type": "task.created", "task_id": 7});
    let no_title = json!({"event_type": "task.created", "task_id": Uuid::now_v7(), "title": ""});
    let mut ids = Vec::new();
    for data in [wrong_shape, no_title] {
        let id = Uuid::now_v7().to_string();
        publisher
            .publish(NewEvent::json(&id, &data)?, DEADLINE)
            .await?;
        ids.push(id);
    }
    let started = Instant::now();
    in_the_topic(stack, stack.dead_letter_topic(broker)?, &ids).await?;
    Ok(format!(
        "2 of 2 dead letters after {:.1} s",
        started.elapsed().as_secs_f32()
    ))
}
