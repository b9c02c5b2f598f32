//! The route that the sidecar delivers tasks to.

use std::sync::Arc;

use axum::extract::State;
use dapr_pubsub::{Claim, CloudEvent, Inbox, Lease, Outcome, Subscriptions};

use crate::config::Config;
use crate::effect::{Effect, EffectError};
use crate::task_created::TaskCreated;

/// What handling an event needs.
pub(crate) struct Worker<E> {
    pub(crate) effect: E,
    pub(crate) inbox: Option<Inbox>,
}

/// What is subscribed to, and how it is handled.
pub(crate) fn subscriptions<E: Effect>(
    worker: &Worker<E>,
    config: &Config,
) -> Subscriptions<Arc<Worker<E>>> {
    let subscriptions = Subscriptions::new()
        .mode(config.subscription.mode())
        .app_token(config.subscription.app_api_token.clone())
        .handler_timeout(config.subscription.handler_timeout)
        .canary_inbox(worker.inbox.clone())
        .on(config.subscription.subscription(), on_task_created::<E>);
    match worker.inbox {
        Some(_) => subscriptions,
        // Nobody else counts.
        None => subscriptions.max_attempts(config.delivery.attempts()),
    }
}

async fn on_task_created<E: Effect>(
    State(worker): State<Arc<Worker<E>>>,
    event: CloudEvent<TaskCreated>,
) -> Outcome {
    if let Some(problem) = event.data.problem() {
        tracing::warn!(problem, "dropped to the dead letters");
        return Outcome::Drop;
    }
    let Some(inbox) = &worker.inbox else {
        return match worker.effect.apply(&event).await {
            Ok(()) => Outcome::Success,
            Err(error) => refused(&error),
        };
    };
    match inbox.claim(&event.source, &event.id).await {
        Ok(Claim::Fresh(lease)) => worker.apply_once(&event, lease).await,
        Ok(Claim::Done) => {
            tracing::debug!("already done");
            Outcome::Success
        }
        Ok(Claim::Busy) => {
            tracing::debug!("being handled elsewhere, or its owner died a moment ago");
            Outcome::Retry
        }
        Ok(Claim::Exhausted { attempts, reason }) => {
            tracing::error!(
                attempts,
                reason,
                "attempts are used up: dropped to the dead letters"
            );
            Outcome::Drop
        }
        Err(error) => {
            tracing::warn!(%error, "not handled: it cannot be known whether it is done already");
            Outcome::Retry
        }
    }
}

impl<E: Effect> Worker<E> {
    async fn apply_once(&self, event: &CloudEvent<TaskCreated>, lease: Lease) -> Outcome {
        let error = match self.apply_unless_applied(event).await {
            Ok(()) => return completed(lease).await,
            Err(error) => error,
        };
        let attempts = lease.failures() + 1;
        let refusal = refused(&error);
        let settled = match refusal {
            Outcome::Retry => lease.fail(error.to_string()).await,
            // The next delivery need not wait for the claim to lapse.
            outcome => lease.release().await.map(|()| outcome),
        };
        match settled {
            Ok(Outcome::Drop) if refusal == Outcome::Retry => {
                tracing::error!(
                    attempts,
                    "attempts are used up: dropped to the dead letters"
                );
                Outcome::Drop
            }
            Ok(outcome) => outcome,
            Err(unsettled) => {
                tracing::debug!(error = %unsettled, "the claim will lapse by itself");
                refusal
            }
        }
    }

    async fn apply_unless_applied(
        &self,
        event: &CloudEvent<TaskCreated>,
    ) -> Result<(), EffectError> {
        if self.effect.was_applied(event).await? {
            return Ok(());
        }
        self.effect.apply(event).await
    }
}

async fn completed(lease: Lease) -> Outcome {
    match lease.complete().await {
        Ok(()) => Outcome::Success,
        Err(error) => {
            // Delivered again, it is found applied and settled then.
            tracing::warn!(%error, "acted on, but that could not be written down");
            Outcome::Retry
        }
    }
}

fn refused(error: &EffectError) -> Outcome {
    match error {
        EffectError::Transient(_) => {
            tracing::warn!(%error, "not acted on; to be delivered again");
            Outcome::Retry
        }
        EffectError::Permanent(_) => {
            tracing::error!(%error, "not acted on; dropped to the dead letters");
            Outcome::Drop
        }
    }
}
