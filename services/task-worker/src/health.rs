//! What the kubelet is told about the worker (`/readyz` on the admin port).
//!
//! | condition | holds while |
//! |---|---|
//! | `inbox` | the inbox's state store answers |
//! | `delivery` | what is published comes here, as far as the watchdog knows |
//!
//! The sidecar is told nothing: an event that cannot be handled now is answered RETRY, for as long as it takes, and waits in the
//! broker. With Dapr's app health check the sidecar would unsubscribe and subscribe again, after which it may be deaf
//! (docs/UPSTREAM.md).

use std::convert::Infallible;
use std::time::Duration;

use dapr_pubsub::{Hearing, Inbox, Sidecar, Watchdog};
use service_kit::readiness::{Condition, Readiness};

const INTERVAL: Duration = Duration::from_millis(500);
const CALL_DEADLINE: Duration = Duration::from_secs(2);

/// Watches what the worker needs.
#[derive(Debug)]
pub(crate) struct Health {
    sidecar: Sidecar,
    inbox: Option<Inbox>,
    store: Condition,
    delivery: Condition,
}

impl Health {
    pub(crate) fn new(sidecar: &Sidecar, inbox: Option<Inbox>, readiness: &Readiness) -> Self {
        let store = readiness.condition("inbox", "the state store has not been asked yet");
        let delivery = readiness.condition("delivery", "not known yet");
        delivery.ready("nothing is known to the contrary");
        Self {
            sidecar: sidecar.clone(),
            inbox,
            store,
            delivery,
        }
    }

    /// Watches for ever.
    pub(crate) async fn watch(self, watchdog: Option<Watchdog>) -> Infallible {
        let Self {
            sidecar,
            inbox,
            store,
            delivery,
        } = self;
        let watchdog = async {
            match watchdog {
                Some(watchdog) => watchdog.run(|hearing| tell(&delivery, hearing)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            never = look(&sidecar, inbox.as_ref(), &store) => never,
            never = watchdog => never,
        }
    }
}

/// Asks the state store twice a second, and once the sidecar for its version.
async fn look(sidecar: &Sidecar, inbox: Option<&Inbox>, condition: &Condition) -> Infallible {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut version = None;
    loop {
        interval.tick().await;
        if version.is_none() {
            version = sidecar.version(CALL_DEADLINE).await.ok();
        }
        match inbox {
            None => condition
                .ready("no state store is configured: a redelivered event is acted on again"),
            Some(inbox) => match inbox.check(CALL_DEADLINE).await {
                Ok(()) => condition.ready("the state store answers"),
                Err(error) => {
                    condition.not_ready(format!("the state store does not answer: {error}"));
                }
            },
        }
    }
}

fn tell(condition: &Condition, hearing: Hearing) {
    match hearing {
        Hearing::Deaf { pubsub, topic } => condition.not_ready(format!(
            "an event that {pubsub} took for {topic} did not come: the sidecar is restarted"
        )),
        Hearing::Unsubscribed { topic } => condition.not_ready(format!(
            "the sidecar has no subscription to {topic}: it is restarted"
        )),
        _ => condition.ready("what is published comes"),
    }
}
