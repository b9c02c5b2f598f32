//! The route that the sidecar delivers tasks to.

use std::sync::Arc;

use axum::Router;
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

pub(crate) fn router<E: Effect>(worker: Arc<Worker<E>>, config: &Config) -> Router {
    Subscriptions::new()
        .mode(config.subscription.mode())
        .app_token(config.subscription.app_api_token.clone())
        .handler_timeout(config.subscription.handler_timeout)
        .canary_inbox(worker.inbox.clone())
        .on(config.subscription.subscription(), on_task_created::<E>)
        .into_router()
        .with_state(worker)
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
        return worker.apply(&event).await;
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
        Err(error) => {
            tracing::warn!(%error, "not handled: it cannot be known whether it is done already");
            Outcome::Retry
        }
    }
}

impl<E: Effect> Worker<E> {
    async fn apply_once(&self, event: &CloudEvent<TaskCreated>, lease: Lease) -> Outcome {
        let outcome = match self.effect.was_applied(event).await {
            Ok(true) => Outcome::Success,
            Ok(false) => self.apply(event).await,
            Err(error) => refused(&error),
        };
        let settled = match outcome {
            Outcome::Success => lease.complete().await,
            // The next delivery need not wait for the claim to lapse.
            Outcome::Retry | Outcome::Drop => lease.release().await,
        };
        match settled {
            Ok(()) => outcome,
            Err(error) if outcome == Outcome::Success => {
                // Delivered again, it is found applied and settled then.
                tracing::warn!(%error, "acted on, but that could not be written down");
                Outcome::Retry
            }
            Err(error) => {
                tracing::debug!(%error, "the claim will lapse by itself");
                outcome
            }
        }
    }

    async fn apply(&self, event: &CloudEvent<TaskCreated>) -> Outcome {
        match self.effect.apply(event).await {
            Ok(()) => Outcome::Success,
            Err(error) => refused(&error),
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
