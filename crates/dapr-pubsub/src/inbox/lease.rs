//! A claim that is held: renewed in the background until it is completed, released or dropped.

mod keeper;

use std::fmt;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::record::Record;
use super::{InboxError, Inner};
use crate::Outcome;
use keeper::{Command, Keeper};

/// Bytes of a reason that are kept.
const REASON: usize = 500;

/// The right to handle an event.
///
/// Dropping it stops the renewal and leaves the claim to expire: whoever drops it, a timed-out
/// handler for instance, does not say whether the effect has happened. It counts as a failure.
#[must_use = "a dropped lease blocks the event until it expires"]
pub struct Lease {
    commands: oneshot::Sender<Command>,
    lost: CancellationToken,
    failures: u32,
}

impl Lease {
    /// Records that the event was handled.
    ///
    /// The write is repeated for up to three call timeouts. [`InboxError::LeaseLost`] means that
    /// somebody else has claimed or handled the event meanwhile, [`InboxError::NotRecorded`] that
    /// the store did not take the record; after both the event may be handled again.
    pub async fn complete(self) -> Result<(), InboxError> {
        self.end(Command::Complete).await
    }

    /// Records that this attempt had no effect, and why: `reason` is kept for whoever looks at the dead letter, up to 500
    /// bytes of it. The answer is what to tell the sidecar: RETRY, or DROP after
    /// [`max_attempts`](super::InboxOptions::max_attempts).
    ///
    /// An error means RETRY: the attempt is then not counted.
    pub async fn fail(self, reason: impl Into<String>) -> Result<Outcome, InboxError> {
        let mut reason = reason.into();
        reason.truncate(reason.floor_char_boundary(REASON));
        self.end(|reply| Command::Fail(reason, reply)).await
    }

    /// How many attempts have failed before this one.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Gives the event back without an effect, so that the next attempt can claim it at once. If
    /// the store cannot be reached, the claim expires by itself.
    pub async fn release(self) -> Result<(), InboxError> {
        self.end(Command::Release).await
    }

    /// Whether the claim has ended, or may have: it could not be renewed in time, or somebody else
    /// has it.
    pub fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    /// Resolves when [`is_lost`](Self::is_lost) becomes true. A long effect that can be stopped
    /// should be, then.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    async fn end<T>(
        self,
        command: impl FnOnce(oneshot::Sender<Result<T, InboxError>>) -> Command,
    ) -> Result<T, InboxError> {
        let gone = || InboxError::Unavailable {
            source: "the runtime is shutting down".into(),
        };
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("lost", &self.is_lost())
            .finish_non_exhaustive()
    }
}

/// Starts to hold the claim `mine`, which was written not earlier than `started`; `created` where there was no record before.
pub(super) fn hold(
    inbox: &Arc<Inner>,
    key: String,
    mine: Record,
    failures: u32,
    created: bool,
    started: Instant,
) -> Lease {
    let (commands, receiver) = oneshot::channel();
    let lost = CancellationToken::new();
    let keeper = Keeper::new(
        Arc::clone(inbox),
        key,
        mine,
        failures,
        created,
        started,
        lost.clone(),
    );
    inbox.keepers.spawn(keeper.run(receiver));
    Lease {
        commands,
        lost,
        failures,
    }
}
