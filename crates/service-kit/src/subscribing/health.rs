//! What the kubelet is told about a subscriber (`/readyz` on the admin port).
//!
//! | condition | holds while |
//! |---|---|
//! | `inbox` | the inbox's state store takes records |
//! | `delivery` | what is published comes here, as far as the watchdog knows |
//! | `dead-letters` | what is dropped stays away: its dead letter could be published |
//!
//! The sidecar is told nothing: an event that cannot be handled now is answered RETRY, for as long as it takes, and waits in the
//! broker. With Dapr's app health check the sidecar would unsubscribe and subscribe again, after which it may be deaf
//! (docs/UPSTREAM.md).

use std::convert::Infallible;
use std::time::Duration;

use dapr_pubsub::{DeadLetters, Hearing, Inbox, Sidecar, Watchdog};

use crate::readiness::{Condition, Readiness};

const INTERVAL: Duration = Duration::from_millis(500);
const CALL_DEADLINE: Duration = Duration::from_secs(2);

/// Watches what the service needs.
#[derive(Debug)]
pub(super) struct Health {
    sidecar: Sidecar,
    inbox: Option<Inbox>,
    dead_letters: DeadLetters,
    store: Condition,
    delivery: Condition,
    dropped: Condition,
}

impl Health {
    pub(super) fn new(
        sidecar: &Sidecar,
        inbox: Option<Inbox>,
        dead_letters: DeadLetters,
        readiness: &Readiness,
    ) -> Self {
        let store = readiness.condition("inbox", "the state store has not been asked yet");
        let delivery = readiness.condition("delivery", "not known yet");
        delivery.ready("nothing is known to the contrary");
        let dropped = readiness.condition("dead-letters", "not known yet");
        Self {
            sidecar: sidecar.clone(),
            inbox,
            dead_letters,
            store,
            delivery,
            dropped,
        }
    }

    /// Watches for ever.
    pub(super) async fn watch(self, watchdog: Option<Watchdog>) -> Infallible {
        let watchdog = async {
            match watchdog {
                Some(watchdog) => watchdog.run(|hearing| tell(&self.delivery, hearing)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            never = self.look() => never,
            never = watchdog => never,
        }
    }

    /// Asks the state store twice a second, and once the sidecar for its version.
    async fn look(&self) -> Infallible {
        let mut interval = tokio::time::interval(INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut version = None;
        loop {
            interval.tick().await;
            if version.is_none() {
                version = self.sidecar.version(CALL_DEADLINE).await.ok();
            }
            match self.dead_letters.returning() {
                None => self.dropped.ready("nothing that was dropped comes again"),
                Some((pubsub, topic)) => self.dropped.not_ready(format!(
                    "events of {topic} that were dropped come again: {pubsub} does not take them for the dead-letter topic; does it \
                     exist, and do the component's publishingScopes name this app?"
                )),
            }
            match &self.inbox {
                None => self
                    .store
                    .ready("no state store is configured: a redelivered event is acted on again"),
                Some(inbox) => match inbox.check(CALL_DEADLINE).await {
                    Ok(()) => self.store.ready("the state store takes records"),
                    Err(error) => self
                        .store
                        .not_ready(format!("the state store takes no record: {error}")),
                },
            }
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
