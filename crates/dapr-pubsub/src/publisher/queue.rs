//! The events that wait: for a call, or for their next attempt.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tonic::Status;
use tracing::Span;

use super::envelope::Message;
use super::{PublishError, PublisherOptions};
use crate::BoxError;

/// daprd takes messages of 4 MiB (dapr/dapr `pkg/runtime/config.go`); the rest is for what is not
/// counted exactly.
const BATCH_BYTES: usize = 7 * 512 * 1024;
const WAITING_BYTES: usize = 64 * 1024 * 1024;
/// Field tags and lengths of one entry.
const ENTRY_OVERHEAD: usize = 128;

pub(super) type Reply = oneshot::Sender<Result<(), PublishError>>;

/// An event on its way.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its place in the order of arrival; given by the queue.
    number: u64,
    pub(super) message: Message,
    pub(super) span: Span,
    /// Not to be put together with others: it failed in a call of its own before, or needs daprd's envelope.
    pub(super) alone: bool,
    pub(super) attempts: u32,
    /// An attempt without an answer may have succeeded.
    unknown: bool,
    last: LastCause,
    accepted: Instant,
    deadline: Instant,
    reply: Reply,
    size: usize,
    /// While it rests: when it may be sent again.
    due: Option<Instant>,
}

impl Entry {
    pub(super) fn new(message: Message, span: Span, deadline: Instant, reply: Reply) -> Self {
        let metadata = message.metadata.iter();
        let text: usize = metadata
            .map(|(name, value)| name.len() + value.len() + 8)
            .sum();
        Self {
            number: 0,
            size: message.data.len() + message.content_type.len() + text + ENTRY_OVERHEAD,
            alone: message.alone,
            message,
            span,
            attempts: 0,
            unknown: false,
            last: LastCause::default(),
            accepted: Instant::now(),
            deadline,
            reply,
            due: None,
        }
    }

    /// The caller has gone, so nobody wants to know.
    pub(super) fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    pub(super) fn remaining(&self, now: Instant) -> Duration {
        self.deadline.saturating_duration_since(now)
    }

    pub(super) fn failed(&mut self, status: Status, unknown: bool) {
        self.unknown |= unknown;
        self.last.set(status);
    }

    /// The end, by an answer that would come again. It says nothing about an attempt before it that may have succeeded.
    pub(super) fn reject(mut self, status: Status) {
        if !self.unknown {
            return self.settle(Err(PublishError::rejected(status)));
        }
        self.failed(status, true);
        self.give_up(Instant::now());
    }

    /// What the caller is told when no further attempt will be made.
    pub(super) fn out_of_time(self, now: Instant) -> PublishError {
        self.into_error(now).1
    }

    pub(super) fn give_up(self, now: Instant) {
        let (reply, error) = self.into_error(now);
        let _ = reply.send(Err(error));
    }

    /// The caller may be gone; then the result goes nowhere, which is right.
    pub(super) fn settle(self, result: Result<(), PublishError>) {
        let _ = self.reply.send(result);
    }

    fn into_error(self, now: Instant) -> (Reply, PublishError) {
        let source = self.last.get();
        let error = if self.unknown {
            PublishError::Deadline {
                deadline: now - self.accepted,
                source,
            }
        } else {
            PublishError::Unavailable {
                attempts: self.attempts,
                source,
            }
        };
        (self.reply, error)
    }
}

/// How the last attempt that ended did end. The caller asks, too, when its time is up while another one is under way.
#[derive(Clone, Debug, Default)]
struct LastCause(Arc<Mutex<Option<Status>>>);

impl LastCause {
    fn set(&self, status: Status) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
    }

    fn get(&self) -> Option<BoxError> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone().map(|status| Box::new(status).into())
    }
}

/// What goes out next.
#[derive(Debug)]
pub(super) enum Batch {
    /// Events that may share a call.
    Together(Vec<Entry>),
    /// Events that need a call each.
    Apart(Vec<Entry>),
}

#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// There is something to send, or the queue was closed.
    changed: Notify,
    capacity: usize,
    max_batch: usize,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<u64, Entry>,
    together: BTreeSet<u64>,
    apart: BTreeSet<u64>,
    resting: BTreeSet<(Instant, u64)>,
    next: u64,
    bytes: usize,
    closed: bool,
    /// The kind that was taken last.
    last_apart: bool,
}

impl State {
    fn insert(&mut self, entry: Entry) {
        let number = entry.number;
        match entry.due {
            Some(due) => self.resting.insert((due, number)),
            None if entry.alone => self.apart.insert(number),
            None => self.together.insert(number),
        };
        self.bytes += entry.size;
        self.entries.insert(number, entry);
    }

    fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.entries.remove(&number)?;
        match entry.due {
            Some(due) => self.resting.remove(&(due, number)),
            None if entry.alone => self.apart.remove(&number),
            None => self.together.remove(&number),
        };
        self.bytes -= entry.size;
        Some(entry)
    }

    /// Ends the rest of those that are due.
    fn wake(&mut self, now: Instant) {
        while let Some(&(due, number)) = self.resting.first() {
            if due > now {
                break;
            }
            match self.remove(number) {
                Some(mut entry) => {
                    entry.due = None;
                    self.insert(entry);
                }
                None => {
                    self.resting.pop_first();
                }
            }
        }
    }

    /// The oldest events of the oldest one's topic that fit into one bulk call; at least one.
    fn fitting(&self, most: usize) -> Vec<u64> {
        let mut bytes = 0;
        let mut numbers = Vec::new();
        let waiting = self.together.iter();
        let mut waiting = waiting
            .filter_map(|number| self.entries.get(number))
            .peekable();
        let topic = waiting
            .peek()
            .and_then(|entry| entry.message.topic.as_deref());
        let alike = waiting.filter(|entry| entry.message.topic.as_deref() == topic);
        for entry in alike.take(most) {
            bytes += entry.size;
            if bytes > BATCH_BYTES && !numbers.is_empty() {
                break;
            }
            numbers.push(entry.number);
        }
        numbers
    }
}

impl Queue {
    pub(super) fn new(options: &PublisherOptions) -> Self {
        Self {
            state: Mutex::default(),
            changed: Notify::new(),
            capacity: options.queue_capacity.max(1),
            max_batch: options.max_batch.max(1),
        }
    }

    pub(super) fn push(&self, mut entry: Entry) -> Result<Ticket<'_>, PublishError> {
        let mut state = self.lock();
        if state.closed {
            return Err(PublishError::Closed);
        }
        let waiting = state.entries.len();
        if waiting >= self.capacity || state.bytes + entry.size > WAITING_BYTES.max(entry.size) {
            return Err(PublishError::QueueFull { waiting });
        }
        let number = state.next;
        state.next += 1;
        entry.number = number;
        let last = entry.last.clone();
        state.insert(entry);
        drop(state);
        self.changed.notify_one();
        Ok(Ticket {
            queue: Some(self),
            number,
            last,
        })
    }

    /// What to send now, the oldest of its kind first: as many events as fit into one call.
    pub(super) fn take(&self, now: Instant) -> Option<Batch> {
        let mut state = self.lock();
        state.wake(now);
        // By turns, so that events that keep failing cannot take all places from the others.
        let apart = match (state.together.is_empty(), state.apart.is_empty()) {
            (true, true) => return None,
            (false, false) => !state.last_apart,
            (none_together, _) => none_together,
        };
        state.last_apart = apart;
        let numbers = if apart {
            state.apart.iter().take(self.max_batch).copied().collect()
        } else {
            state.fitting(self.max_batch)
        };
        let entries: Vec<_> = numbers
            .into_iter()
            .filter_map(|it| state.remove(it))
            .collect();
        Some(if apart {
            Batch::Apart(entries)
        } else {
            Batch::Together(entries)
        })
    }

    /// Takes an event back that failed, under its old number. It was let in once, so there is room:
    /// what can come back is bounded by what can be in flight.
    pub(super) fn rest(&self, mut entry: Entry, due: Instant) {
        if entry.abandoned() {
            return;
        }
        entry.due = Some(due);
        self.lock().insert(entry);
        self.changed.notify_one();
    }

    /// Resolves when there may be something new to take.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// When the next resting event is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.lock().resting.first().map(|(due, _)| *due)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().entries.len()
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// All that waits, when nothing will be sent any more.
    pub(super) fn drain(&self) -> Vec<Entry> {
        let mut state = self.lock();
        let numbers: Vec<u64> = state.entries.keys().copied().collect();
        numbers
            .into_iter()
            .filter_map(|it| state.remove(it))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs while the lock is held, so the state is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller's hold on its waiting event: dropping it withdraws the event.
#[derive(Debug)]
pub(super) struct Ticket<'a> {
    /// `None` when the event has its result, and waits no longer.
    queue: Option<&'a Queue>,
    number: u64,
    last: LastCause,
}

impl Ticket<'_> {
    /// `None` when the event is part of a call, or has its result.
    pub(super) fn withdraw(&self) -> Option<Entry> {
        self.queue?.lock().remove(self.number)
    }

    /// The event has its result.
    pub(super) fn settled(mut self) {
        self.queue = None;
    }

    /// What the caller of an event that is part of a call, or was, is told without a result.
    pub(super) fn unknown(&self, deadline: Duration) -> PublishError {
        PublishError::Deadline {
            deadline,
            source: self.last.get(),
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        drop(self.withdraw());
    }
}
