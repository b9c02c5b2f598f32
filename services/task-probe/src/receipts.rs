//! Who has recorded an event, and who has not yet.

use std::collections::BTreeSet;
use std::time::Duration;

use dapr_pubsub::{EventState, InboxReader, PROGRESS_TTL, Sidecar};
use tokio::time::Instant;

use crate::deadline::Deadline;
use crate::{CALL, Config};

/// Between two looks: records appear within milliseconds, and every look is a read of the state store.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The consumers that are waited for.
pub(crate) struct Receipts<'a> {
    reader: InboxReader,
    store: &'a str,
    source: &'a str,
    app_id: &'a str,
    missing: BTreeSet<String>,
    /// Seen at work on an event that they have not completed.
    at_work: BTreeSet<String>,
    unread: Option<String>,
    /// Component and topic, and since when events that are handled there will do.
    progress: Option<(&'a str, &'a str, Instant)>,
}

impl<'a> Receipts<'a> {
    pub(crate) fn new(
        sidecar: &Sidecar,
        config: &'a Config,
        store: &'a str,
        source: &'a str,
        consumers: &BTreeSet<String>,
    ) -> Self {
        Self {
            app_id: &config.app_id,
            reader: InboxReader::new(sidecar, store),
            store,
            source,
            missing: consumers.clone(),
            at_work: BTreeSet::new(),
            unread: None,
            progress: None,
        }
    }

    /// From now on, a consumer that works off what this component and topic have will do as well: behind a backlog an event of one's
    /// own would not come in time.
    pub(crate) fn or_progress(&mut self, pubsub: &'a str, topic: &'a str) {
        let since = Instant::now();
        self.progress.get_or_insert((pubsub, topic, since));
    }

    /// Takes off the list who has recorded any of the events as done; true when nobody is left on it.
    pub(crate) async fn look(&mut self, ids: &[String], deadline: Deadline) -> bool {
        for consumer in self.missing.clone() {
            // The latest first: it is the one most likely to get through.
            for id in ids.iter().rev() {
                let limit = deadline.at_most(CALL);
                match self.reader.state(&consumer, self.source, id, limit).await {
                    Ok(EventState::Done) => {
                        tracing::info!(consumer, event_id = id, "received");
                        self.missing.remove(&consumer);
                        self.at_work.remove(&consumer);
                        break;
                    }
                    Ok(EventState::Claimed | EventState::Failed) => {
                        self.at_work.insert(consumer.clone());
                    }
                    Ok(EventState::Unknown) => {}
                    Err(error) => {
                        tracing::debug!(%error, consumer, "the record cannot be read");
                        // A call that the end of all the time has cut short says nothing about the store.
                        if limit == CALL {
                            self.unread = Some(error.to_string());
                        }
                        return false;
                    }
                }
                self.unread = None;
            }
            if self.missing.contains(&consumer) && self.progresses(&consumer, deadline).await {
                self.missing.remove(&consumer);
                self.at_work.remove(&consumer);
            }
        }
        self.missing.is_empty()
    }

    async fn progresses(&self, consumer: &str, deadline: Deadline) -> bool {
        let Some((pubsub, topic, since)) = self.progress else {
            return false;
        };
        // What is written down now may have been written before.
        if since.elapsed() < PROGRESS_TTL {
            return false;
        }
        let limit = deadline.at_most(CALL);
        let seen = self.reader.progresses(consumer, pubsub, topic, limit).await;
        let seen = seen.unwrap_or_default();
        if seen {
            tracing::info!(
                consumer,
                pubsub,
                topic,
                "works off what came before the canaries"
            );
        }
        seen
    }

    /// What to tell a person who has to find out why, when time has run out.
    pub(crate) fn missing(&self) -> String {
        if let Some(error) = &self.unread {
            return format!(
                "the records in state store {} cannot be read: {error}; who has received is not known",
                self.store
            );
        }
        let at_work = if self.at_work.is_empty() {
            String::new()
        } else {
            format!(" ({} claimed it and did not finish)", listed(&self.at_work))
        };
        format!(
            "not received by {}{at_work}. Check that its pods are ready and not working off a backlog, that the log of their \
             container daprd shows the subscription, and that state store {} has {} in its scopes and a keyPrefix without the \
             app-id",
            listed(&self.missing),
            self.store,
            self.app_id
        )
    }
}

/// `a, b`.
pub(crate) fn listed(names: &BTreeSet<String>) -> String {
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    names.join(", ")
}
