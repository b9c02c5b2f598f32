//! A claim that is held: renewed in the background until it is completed, released or dropped.

mod keeper;

use std::fmt;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{InboxError, Inner};
use keeper::{Command, Keeper};

/// The right to handle an event.
///
/// Dropping it stops the renewal and leaves the claim to expire: whoever drops it, a timed-out
/// handler for instance, does not say whether the effect has happened.
#[must_use = "a dropped lease blocks the event until it expires"]
pub struct Lease {
    commands: oneshot::Sender<Command>,
    lost: CancellationToken,
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

    async fn end(
        self,
        command: fn(oneshot::Sender<Result<(), InboxError>>) -> Command,
    ) -> Result<(), InboxError> {
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

/// Starts to hold a claim that was written not earlier than `started`.
pub(super) fn hold(inbox: &Arc<Inner>, key: String, owner: String, started: Instant) -> Lease {
    let (commands, receiver) = oneshot::channel();
    let lost = CancellationToken::new();
    let keeper = Keeper::new(Arc::clone(inbox), key, owner, started, lost.clone());
    inbox.keepers.spawn(keeper.run(receiver));
    Lease { commands, lost }
}
