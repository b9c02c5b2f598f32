//! What the worker does with a task.

mod journal;

use std::path::Path;
use std::sync::LazyLock;

use anyhow::Context as _;
use dapr_pubsub::CloudEvent;
use opentelemetry::global;
use opentelemetry::metrics::Counter;
use service_kit::effect::{EffectError, shown};

use crate::TaskCreated;
use journal::Journal;

/// The work that an event asks for. This is the part to replace.
///
/// The worker calls [`Effect::apply`] for one event once, unless the process died in the middle or could not write down that
/// it had finished. Then nobody knows whether the work was done, and [`Effect::was_applied`] is asked first. With an effect
/// that can answer (an upsert by the event's id, a row of an inbox table written in the same transaction, a journal as here),
/// every event has its effect exactly once; with one that cannot, at least once.
pub trait Effect: Send + Sync + 'static {
    /// Whether an earlier attempt has already done the work for this event.
    fn was_applied(
        &self,
        event: &CloudEvent<TaskCreated>,
    ) -> impl Future<Output = Result<bool, EffectError>> + Send;

    /// Does the work.
    ///
    /// # Errors
    /// [`EffectError::Transient`] has the event delivered again, [`EffectError::Permanent`] sends it to the dead letters.
    fn apply(
        &self,
        event: &CloudEvent<TaskCreated>,
    ) -> impl Future<Output = Result<(), EffectError>> + Send;
}

/// The tutorial's work: a log line for each task, and a counter.
#[derive(Debug)]
pub struct LogTask {
    journal: Option<Journal>,
}

/// Made when it is first used: the meter provider is installed after the journal has been opened.
static HANDLED: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("task-worker")
        .u64_counter("task_worker.tasks.handled")
        .with_description("Tasks acted on.")
        .build()
});

impl LogTask {
    /// `journal` is the file that remembers events across a crash; without one a crash may repeat a line.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(journal: Option<&Path>) -> anyhow::Result<Self> {
        let journal = journal
            .map(|path| {
                Journal::open(path)
                    .with_context(|| format!("EFFECT_JOURNAL: cannot use {}", path.display()))
            })
            .transpose()?;
        Ok(Self { journal })
    }
}

impl Effect for LogTask {
    async fn was_applied(&self, event: &CloudEvent<TaskCreated>) -> Result<bool, EffectError> {
        Ok(self
            .journal
            .as_ref()
            .is_some_and(|journal| journal.contains(&event.source, &event.id)))
    }

    async fn apply(&self, event: &CloudEvent<TaskCreated>) -> Result<(), EffectError> {
        let data = serde_json::to_string(&event.data)
            .map_err(|error| EffectError::Permanent(error.into()))?;
        // A line that nobody reads is no effect yet. Until the lines before it are out, this one is not begun.
        service_kit::telemetry::written().await;
        // Two writes with nothing awaited between them: only a kill in these microseconds can separate them.
        tracing::info!("EVENT RECEIVED: {}", shown(&data));
        HANDLED.add(1, &[]);
        if let Some(journal) = &self.journal
            && let Err(error) = journal.record(&event.source, &event.id)
        {
            // The work is done. "Not done" would have it done again, for as often as the event is delivered.
            tracing::error!(%error, "the journal cannot be written: a crash at this moment would repeat the line");
        }
        Ok(())
    }
}
