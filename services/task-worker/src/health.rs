//! What the sidecar and the kubelet are told about the worker.
//!
//! | asked | by | red while |
//! |---|---|---|
//! | `/healthz` on the event port | Dapr's app health check | draining, or the inbox's state store does not answer |
//! | `/readyz` on the admin port | the kubelet | draining, or the inbox's state store does not answer |
//!
//! While `/healthz` is red the sidecar unsubscribes and events wait in the broker. Without that an outage of the state store
//! would be retried until the retry budget is used up, and good events would end in the dead letters.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use dapr_pubsub::Inbox;
use service_kit::readiness::{Condition, Readiness};
use service_kit::shutdown::Shutdown;

const INTERVAL: Duration = Duration::from_millis(500);
const CALL_DEADLINE: Duration = Duration::from_secs(2);

/// Watches the state store and answers for the worker. Cloning shares what is known.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    inbox: Option<Inbox>,
    condition: Condition,
    shutdown: Shutdown,
    can_work: Arc<AtomicBool>,
}

impl Health {
    pub(crate) fn new(inbox: Option<Inbox>, readiness: &Readiness, shutdown: &Shutdown) -> Self {
        let condition = readiness.condition("inbox", "the state store has not been asked yet");
        // Green until known better: the sidecar takes the worker's word at its first probe, before the state store can be asked.
        let can_work = Arc::new(AtomicBool::new(true));
        Self {
            inbox,
            condition,
            shutdown: shutdown.clone(),
            can_work,
        }
    }

    pub(crate) fn router(&self) -> Router {
        let health = self.clone();
        Router::new().route("/healthz", get(async move || health.status()))
    }

    fn status(&self) -> (StatusCode, &'static str) {
        if self.shutdown.is_draining() {
            (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
        } else if self.can_work.load(Ordering::Relaxed) {
            (StatusCode::OK, "healthy\n")
        } else {
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the state store does not answer\n",
            )
        }
    }

    /// Asks the state store twice a second, for ever.
    pub(crate) async fn watch(&self) -> std::convert::Infallible {
        let Some(inbox) = &self.inbox else {
            self.condition
                .ready("no state store is configured: a redelivered event is acted on again");
            return std::future::pending().await;
        };
        let mut interval = tokio::time::interval(INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            match inbox.check(CALL_DEADLINE).await {
                Ok(()) => {
                    self.can_work.store(true, Ordering::Relaxed);
                    self.condition.ready("the state store answers");
                }
                Err(error) => {
                    self.can_work.store(false, Ordering::Relaxed);
                    self.condition
                        .not_ready(format!("the state store does not answer: {error}"));
                }
            }
        }
    }
}
