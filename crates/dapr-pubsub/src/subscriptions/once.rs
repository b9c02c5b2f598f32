//! A handler whose effect happens once, with an inbox around it.

use std::sync::Arc;

use http::request::Parts;

use super::handler::{ErasedHandler, Handled, PreparedHandler};
use crate::{Claim, DecodeError, Envelope, Inbox, Lease, Outcome};

/// Kept as the reason of a RETRY that has none of its own.
const NO_REASON: &str = "the handler answered RETRY";

pub(super) struct Once<S> {
    pub(super) handler: Arc<dyn ErasedHandler<S>>,
    pub(super) inbox: Inbox,
}

impl<S: Send + 'static> ErasedHandler<S> for Once<S> {
    /// What cannot be decoded is not claimed: it needs no store to be dropped.
    fn prepare(&self, event: &Envelope<'_>) -> Result<PreparedHandler<S>, DecodeError> {
        let work = self.handler.prepare(event)?;
        let (source, id) = (event.source().to_owned(), event.id().to_owned());
        let inbox = self.inbox.clone();
        let claimed = async move |parts: Parts, state: S| {
            let outcome = match inbox.claim(&source, &id).await {
                Ok(Claim::Fresh(lease)) => return settle(lease, work(parts, state).await).await,
                Ok(Claim::Done) => {
                    tracing::debug!("already done");
                    Outcome::Success
                }
                Ok(Claim::Busy) => {
                    tracing::debug!("being handled elsewhere, or its owner died a moment ago");
                    Outcome::Retry
                }
                Ok(Claim::Exhausted { attempts, reason }) => {
                    tracing::error!(attempts, reason, "attempts are used up: dropped");
                    Outcome::Drop
                }
                Err(error) => {
                    tracing::warn!(%error, "not handled: it cannot be known whether it is done already");
                    Outcome::Retry
                }
            };
            Handled::Outcome(outcome, None)
        };
        Ok(Box::new(|parts, state| Box::pin(claimed(parts, state))))
    }
}

async fn settle(lease: Lease, handled: Handled) -> Handled {
    let attempts = lease.failures() + 1;
    let Handled::Outcome(outcome, reason) = handled else {
        // The service is wrong, not the event: no attempt of it is used up.
        let _ = lease.release().await;
        return handled;
    };
    let settled = match outcome {
        Outcome::Success => lease.complete().await.map(|()| outcome),
        Outcome::Retry => lease.fail(reason.as_deref().unwrap_or(NO_REASON)).await,
        // Should it come again, out of the dead letters, it need not wait for the claim to lapse.
        Outcome::Drop => lease.release().await.map(|()| outcome),
    };
    let outcome = match (outcome, settled) {
        (Outcome::Success, Err(error)) => {
            tracing::warn!(%error, "handled, but that could not be written down");
            Outcome::Retry
        }
        (outcome, Err(error)) => {
            tracing::debug!(%error, "the claim will lapse by itself");
            outcome
        }
        (Outcome::Retry, Ok(Outcome::Drop)) => {
            tracing::error!(attempts, reason, "attempts are used up: dropped");
            Outcome::Drop
        }
        (_, Ok(outcome)) => outcome,
    };
    Handled::Outcome(outcome, reason)
}
