//! What a subscriber is configured with.

mod subscription;

use std::time::Duration;

use dapr_pubsub::{InboxOptions, Subscription, WatchdogOptions};

pub use subscription::{SubscriptionArgs, SubscriptionMode};

use crate::shutdown::ShutdownArgs;
use crate::topics::{Declares, Topics};
use crate::units::{duration, duration_or_zero, name};

/// How events come, and how they are kept from being lost or acted on twice. Each service gives `consumer` a default of its own.
#[derive(Debug, Clone, clap::Args)]
pub struct SubscribeArgs {
    /// How events come.
    #[command(flatten)]
    pub subscription: SubscriptionArgs,
    /// How an event is kept from being acted on twice.
    #[command(flatten)]
    pub inbox: InboxArgs,
    /// How often an event is tried, and how deafness is noticed.
    #[command(flatten)]
    pub delivery: DeliveryArgs,
}

/// How an event is kept from being acted on twice.
#[derive(Debug, Clone, clap::Args)]
pub struct InboxArgs {
    /// The name under which it is remembered what is done: all replicas of a service share it, and no other service has it,
    /// or each event would be acted on by one of the two. A new name has forgotten everything.
    #[arg(long, env = "CONSUMER", required = false, value_parser = name)]
    pub consumer: String,
    /// The Dapr state store that remembers events. Empty: none, and a redelivered event is acted on again.
    #[arg(long, env = "STATE_STORE", value_parser = name)]
    pub state_store: Option<String>,
    /// How long a claim on an event lasts when its owner dies.
    #[arg(long, env = "INBOX_LEASE", default_value = "10s", value_parser = duration)]
    pub inbox_lease: Duration,
    /// How long it is remembered that an event is done. Longer than the service may be away, since what it had in hand comes back
    /// when it does, and than all attempts take.
    #[arg(long, env = "INBOX_RETENTION", default_value = "4h", value_parser = duration)]
    pub inbox_retention: Duration,
}

/// How often an event is tried, and how deafness is noticed.
#[derive(Debug, Clone, clap::Args)]
pub struct DeliveryArgs {
    /// Attempts after the first one that failed; when they are used up, the event goes to the dead letters. What is not the
    /// event's failure does not count: a state store that is away, a claim of another replica, a crash.
    #[arg(long, env = "DELIVERY_MAX_RETRIES", default_value = "20")]
    pub delivery_max_retries: u32,
    /// The sidecar's pause between two attempts (its inbound retry policy).
    #[arg(long, env = "DELIVERY_RETRY_INTERVAL", default_value = "2s", value_parser = duration)]
    pub delivery_retry_interval: Duration,
    /// How long nothing may be delivered before a canary is published to see whether anything would be; `0s` for never. Only
    /// where every subscriber of the topic knows canaries.
    #[arg(long, env = "WATCHDOG_SILENCE", default_value = "0s", value_parser = duration_or_zero)]
    pub watchdog_silence: Duration,
    /// How long such a canary may take before the sidecar is told to restart.
    #[arg(long, env = "WATCHDOG_PATIENCE", default_value = "20s", value_parser = duration)]
    pub watchdog_patience: Duration,
}

impl DeliveryArgs {
    /// How often an event is tried in all.
    pub(in crate::subscribing) fn attempts(&self) -> u32 {
        self.delivery_max_retries.saturating_add(1)
    }

    /// `None` where it is switched off.
    pub(in crate::subscribing) fn watchdog(&self) -> Option<WatchdogOptions> {
        let mut options = WatchdogOptions::new();
        (options.silence, options.patience) = (self.watchdog_silence, self.watchdog_patience);
        (!options.silence.is_zero()).then_some(options)
    }
}

impl InboxArgs {
    pub(in crate::subscribing) fn store(&self) -> Option<&str> {
        self.state_store.as_deref()
    }

    pub(in crate::subscribing) fn options(&self, delivery: &DeliveryArgs) -> Option<InboxOptions> {
        let mut options = InboxOptions::new(self.store()?, &self.consumer);
        options.lease = self.inbox_lease;
        options.retention = self.inbox_retention;
        options.max_attempts = Some(delivery.attempts());
        options.retry_pause = delivery.delivery_retry_interval;
        Some(options)
    }
}

impl SubscribeArgs {
    /// The one declaration of what is heard of a topic.
    ///
    /// # Panics
    /// When the service does not declare that it hears `key`: an error of the program, not of its configuration.
    pub fn subscription<D: Declares>(&self, topics: &Topics<D>, key: &str) -> Subscription {
        let Some(heard) = topics.heard().get(key) else {
            panic!("{key} is not among the topics of service_config!")
        };
        self.subscription.declared(heard)
    }

    /// Refuses contradictory values.
    ///
    /// # Errors
    /// A sentence that names the variables and what would happen.
    pub fn check<D: Declares>(
        &self,
        topics: &Topics<D>,
        shutdown: &ShutdownArgs,
    ) -> Result<(), String> {
        let (lease, handler) = (self.inbox.inbox_lease, self.subscription.handler_timeout);
        if lease <= handler {
            return Err(format!(
                "INBOX_LEASE ({lease:?}) must be longer than HANDLER_TIMEOUT ({handler:?}): a claim could lapse while its owner is \
                 still at work, and the event would be acted on twice"
            ));
        }
        if handler > shutdown.shutdown_deadline {
            return Err(format!(
                "HANDLER_TIMEOUT ({handler:?}) must not exceed SHUTDOWN_DEADLINE ({:?}): events in hand would be cut off when the \
                 process ends",
                shutdown.shutdown_deadline
            ));
        }
        let (interval, patience) = (
            self.delivery.delivery_retry_interval,
            self.delivery.watchdog_patience,
        );
        if self.delivery.watchdog().is_some() && patience <= handler + interval {
            return Err(format!(
                "WATCHDOG_PATIENCE ({patience:?}) must be longer than HANDLER_TIMEOUT ({handler:?}) and DELIVERY_RETRY_INTERVAL \
                 ({interval:?}) together: a delivery that is merely tried again would have the sidecar restarted"
            ));
        }
        let (all, retention) = (self.all_attempts(), self.inbox.inbox_retention);
        if retention <= all {
            return Err(format!(
                "INBOX_RETENTION ({retention:?}) must be longer than all attempts of an event may take (DELIVERY_MAX_RETRIES, each \
                 HANDLER_TIMEOUT and DELIVERY_RETRY_INTERVAL, and INBOX_LEASE: {all:?}): what is done would be forgotten while it \
                 can still come back, and be acted on twice"
            ));
        }
        let mut heard = topics.heard().values();
        let raw = heard.any(|heard| self.subscription.declared(heard).is_raw());
        if self.inbox.state_store.is_some() && raw {
            return Err(
                "PUBSUB_OPTIONS asks for rawPayload, and STATE_STORE is set: daprd gives every redelivery of such an event a new id, \
                 so none would be recognised and an event could be acted on several times"
                    .to_owned(),
            );
        }
        self.subscription.check(topics)
    }

    /// How long an event may come back because of this service alone.
    fn all_attempts(&self) -> Duration {
        let attempt = self.subscription.handler_timeout + self.delivery.delivery_retry_interval;
        attempt
            .saturating_mul(self.delivery.attempts())
            .saturating_add(self.inbox.inbox_lease)
    }
}
