//! A look at what others have recorded.

use std::fmt;
use std::time::Duration;

use super::record::Record;
use super::store::Store;
use super::{InboxError, record_key};
use crate::{Sidecar, progress};

/// Reads the records of any consumer and changes none: for a check that asks whether an event has
/// arrived.
///
/// It sees the consumers' records only if its own sidecar addresses them by the same keys. Dapr puts
/// the app-id in front of a key unless the state store's component says otherwise (`keyPrefix`), and
/// hides the component from apps that are not in its `scopes`.
#[derive(Clone)]
pub struct InboxReader {
    store: Store,
}

/// What is recorded about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventState {
    /// Nothing: it has not arrived, or what was recorded has expired, or was given back.
    Unknown,
    /// Somebody is at work, or was a lease ago.
    Claimed,
    /// Nobody is, and the last attempt has failed.
    Failed,
    /// It was handled.
    Done,
}

impl InboxReader {
    /// A reader of the state store component `store`. No I/O happens before the first call.
    pub fn new(sidecar: &Sidecar, store: impl Into<String>) -> Self {
        Self {
            // It writes nothing, so there is no call to share.
            store: Store::new(sidecar.clone(), store.into(), Duration::ZERO),
        }
    }

    /// What `consumer` has recorded about the event that `source` and `id` name.
    pub async fn state(
        &self,
        consumer: &str,
        source: &str,
        id: &str,
        deadline: Duration,
    ) -> Result<EventState, InboxError> {
        let key = record_key(consumer, source, id);
        let record = self.store.get(&key, deadline).await?;
        Ok(record.map_or(EventState::Unknown, |(record, _)| record.into()))
    }

    /// Whether `consumer` has handled an event of this component and topic in the last [`PROGRESS_TTL`](crate::PROGRESS_TTL), which
    /// is only known of one that runs a [`Progress`](crate::Progress).
    pub async fn progresses(
        &self,
        consumer: &str,
        pubsub: &str,
        topic: &str,
        deadline: Duration,
    ) -> Result<bool, InboxError> {
        let id = progress::way(pubsub, topic);
        let state = self
            .state(consumer, progress::SOURCE, &id, deadline)
            .await?;
        Ok(state == EventState::Done)
    }
}

impl From<Record> for EventState {
    fn from(record: Record) -> Self {
        match record {
            Record::Claimed { .. } => Self::Claimed,
            Record::Failed { .. } => Self::Failed,
            Record::Done => Self::Done,
        }
    }
}

impl fmt::Debug for InboxReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboxReader")
            .field("store", &self.store.name())
            .finish_non_exhaustive()
    }
}
