//! Events that prove the way to a subscriber without asking anything of it.

use crate::{Claim, Envelope, Inbox, InboxError, Outcome};

/// The `type` of a canary: an event that is delivered, and recorded in the inbox, and has no effect.
///
/// Whether a broker works, whether anyone is subscribed there and whether the state store takes
/// records cannot be seen from outside; an event that has gone through all of them is the proof.
/// Publish one with [`NewEvent::with_kind`](crate::NewEvent::with_kind) to the ordinary topic, and
/// look for its record with an [`InboxReader`](crate::InboxReader). Subscribers that are built on
/// [`Subscriptions`](crate::Subscriptions) know what to do with it. Its data is not read.
pub const CANARY_TYPE: &str = "com.task-pubsub.canary";

/// Claims and completes, as for any event, with nothing in between.
pub(crate) async fn receive(event: &Envelope<'_>, inbox: Option<&Inbox>) -> Outcome {
    let recorded = match inbox {
        None => Ok(Outcome::Success),
        Some(inbox) => record(event, inbox).await,
    };
    match recorded {
        Ok(outcome) => {
            tracing::debug!(%outcome, "a canary");
            outcome
        }
        Err(error) => {
            tracing::warn!(%error, "a canary could not be recorded");
            error.into()
        }
    }
}

async fn record(event: &Envelope<'_>, inbox: &Inbox) -> Result<Outcome, InboxError> {
    match inbox.claim(event.source(), event.id()).await? {
        Claim::Fresh(lease) => lease.complete().await.map(|()| Outcome::Success),
        Claim::Done => Ok(Outcome::Success),
        Claim::Busy => Ok(Outcome::Retry),
        // Nothing fails at a canary but its record.
        Claim::Exhausted { .. } => Ok(Outcome::Drop),
    }
}
