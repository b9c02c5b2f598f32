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
use crate::in_process::{self, InProcess};
use crate::ledger::Ledger;
use crate::load;
use crate::wait::until;

const REFUSALS: u32 = 3;
const EVENTS: usize = 5;
const DEADLINE: Duration = Duration::from_secs(40);

/// Fails the first [`REFUSALS`] times for each task, then works.
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
        if seen.deliveries <= REFUSALS {
            return Err(EffectError::Transient(anyhow!("not yet")));
        }
        seen.effects += 1;
        Ok(())
    }
}

pub(super) async fn retried(setup: Setup, broker: &str) -> Result<String> {
    let effect = Flaky::default();
    let InProcess { stack, .. } =
        &in_process::start(setup.with_broker(broker), effect.clone()).await?;
    stack.preflight().await?;
    let (ledger, endpoint) = (
        Ledger::default(),
        stack.endpoints().pick().context("no instance is ready")?,
    );
    for number in 0..EVENTS {
        let posted = load::post(stack.http(), &endpoint, &format!("task {number}"), &ledger).await;
        posted.map_err(|failure| anyhow!("{failure:?}"))?;
    }
    until("every event handled", DEADLINE, async || {
        let done = effect
            .seen()
            .values()
            .filter(|seen| seen.effects > 0)
            .count();
        Ok((done < EVENTS).then(|| format!("{done} of {EVENTS}")))
    })
    .await?;
    // One more delivery would come within a retry interval and a lease.
    tokio::time::sleep(super::QUIET).await;
    let expected = Seen {
        deliveries: REFUSALS + 1,
        effects: 1,
    };
    for (task, seen) in effect.seen() {
        ensure!(seen == expected, "{task}: {seen:?}");
    }
    Ok(format!(
        "{EVENTS} events, {} deliveries and 1 effect each",
        REFUSALS + 1
    ))
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
    let topic = stack.dead_letter_topic(broker)?;
    until(
        "both events in the dead-letter topic",
        DEADLINE,
        async || {
            let letters = stack.read_topic(broker, topic).await?.concat();
            let missing: Vec<_> = ids.iter().filter(|id| !letters.contains(*id)).collect();
            Ok((!missing.is_empty()).then(|| format!("{missing:?} not there")))
        },
    )
    .await?;
    Ok(format!(
        "2 of 2 dead letters after {:.1} s",
        started.elapsed().as_secs_f32()
    ))
}
