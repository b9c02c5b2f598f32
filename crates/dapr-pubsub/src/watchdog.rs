//! Whether what is published still comes here, asked when nothing comes.

use std::collections::HashMap;
use std::time::Duration;

use dapr::dapr::proto::runtime::v1::GetMetadataResponse;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use crate::telemetry::WatchdogMetrics;
use crate::{
    Activity, CANARY_TYPE, EventState, Inbox, NewEvent, Publisher, PublisherOptions, Sidecar, clock,
};

/// One question to the sidecar.
const CALL: Duration = Duration::from_secs(2);
/// Between two looks for a canary.
const LOOK: Duration = Duration::from_millis(500);
/// A process that wakes up so much too late stood still itself, and has not listened.
const STANDSTILL: Duration = Duration::from_secs(2);
/// The pause between two restarts of the sidecar doubles up to this.
const LONGEST_PAUSE: Duration = Duration::from_mins(30);

/// When a [`Watchdog`] asks, and how long it waits for the answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WatchdogOptions {
    /// How long nothing may come through a component before a canary is sent through it.
    pub silence: Duration,
    /// How long the canary may take. Longer than an attempt and the pause before the next one.
    pub patience: Duration,
}

impl WatchdogOptions {
    /// A minute of silence, 20 s of patience.
    pub fn new() -> Self {
        Self {
            silence: Duration::from_mins(1),
            patience: Duration::from_secs(20),
        }
    }
}

impl Default for WatchdogOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// What a [`Watchdog`] has found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hearing {
    /// What was published has come, or something else has.
    Proven,
    /// The broker has taken a canary, and it did not come: the sidecar has been told to restart.
    Deaf {
        /// The component.
        pubsub: String,
        /// The topic.
        topic: String,
    },
    /// The sidecar lists no subscription to a topic of ours: it has been told to restart, and lists what there is then.
    Unsubscribed {
        /// The topic.
        topic: String,
    },
}

impl Hearing {
    /// Component and topic, for logs and metrics.
    fn way(&self) -> (&str, &str) {
        match self {
            Self::Proven => ("", ""),
            Self::Deaf { pubsub, topic } => (pubsub, topic),
            Self::Unsubscribed { topic } => ("", topic),
        }
    }
}

/// Has the sidecar restarted when it does not deliver.
///
/// A subscription can end without a sign: daprd's Kafka component may unsubscribe the wrong one, its JetStream component gives up a
/// connection that was away for two minutes, its connection to the application may rest for two minutes after a long absence, and
/// every probe stays green. So when nothing has come through one of the sidecar's subscriptions for a while, a
/// [canary](crate::CANARY_TYPE) is published to its topic. If the broker takes it and neither this process gets anything nor any
/// replica records the canary within [`patience`](WatchdogOptions::patience), the sidecar is asked to end (`Shutdown`): whoever
/// keeps it running, the kubelet for instance, starts it again, and its subscriptions with it.
///
/// So it is when the sidecar lists no subscription to one of the topics for as long as a silence.
///
/// A busy topic gets no canaries. A broker or a state store that is down is no reason for a restart, and restarts that do not
/// help come at twice the pause each time, up to half an hour.
///
/// Only for topics whose subscribers all know canaries: for any other program one is an event like others.
#[derive(Debug)]
pub struct Watchdog {
    sidecar: Sidecar,
    inbox: Inbox,
    activity: Activity,
    topics: Vec<String>,
    options: WatchdogOptions,
    metrics: WatchdogMetrics,
    since: Instant,
    /// When each way was proven last.
    proven: HashMap<Way, Instant>,
    /// Kept: each new one would leave a gauge behind.
    publishers: HashMap<Way, Publisher>,
    /// Topics that the sidecar does not list, and since when.
    absent: HashMap<String, Instant>,
}

/// Component and topic.
type Way = (String, String);

enum Proof {
    Given,
    Missing,
    /// The broker or the state store cannot be asked.
    Unknown,
}

impl Watchdog {
    /// For the topics of one [`Subscriptions`](crate::Subscriptions), whose [`activity`](crate::Subscriptions::activity) and
    /// [`topics`](crate::Subscriptions::topics) these are. `inbox` is where its canaries are recorded.
    pub fn new(
        sidecar: &Sidecar,
        inbox: &Inbox,
        activity: Activity,
        topics: Vec<String>,
        mut options: WatchdogOptions,
    ) -> Self {
        options.silence = clock::bounded(options.silence);
        options.patience = clock::bounded(options.patience);
        Self {
            sidecar: sidecar.clone(),
            inbox: inbox.clone(),
            activity,
            topics,
            options,
            metrics: WatchdogMetrics::new(),
            since: Instant::now(),
            proven: HashMap::new(),
            publishers: HashMap::new(),
            absent: HashMap::new(),
        }
    }

    /// Watches for ever; `tell` hears of everything that was found.
    pub async fn run(mut self, tell: impl Fn(Hearing)) -> std::convert::Infallible {
        let mut pause = Duration::ZERO;
        loop {
            sleep((self.options.silence / 4).max(LOOK)).await;
            let Some(found) = self.deaf().await else {
                // Having heard for as long as the next restart would be put off, the sidecar is well.
                if self.since.elapsed() > pause + self.options.silence {
                    pause = Duration::ZERO;
                }
                tell(Hearing::Proven);
                continue;
            };
            tell(found.clone());
            let (pubsub, topic) = found.way();
            if self.since.elapsed() < pause {
                tracing::warn!(
                    pubsub,
                    topic,
                    ?pause,
                    "nothing comes, and a restart of the sidecar did not help: waiting for longer"
                );
                continue;
            }
            self.metrics.restarted(pubsub, topic);
            if matches!(found, Hearing::Unsubscribed { .. }) {
                tracing::error!(
                    topic,
                    silence = ?self.options.silence,
                    "the sidecar has no subscription to this topic: it is told to restart"
                );
            } else {
                tracing::error!(
                    pubsub,
                    topic,
                    patience = ?self.options.patience,
                    "the broker has taken an event that did not come: the sidecar is told to restart"
                );
            }
            if let Err(error) = self.sidecar.shutdown(CALL).await {
                tracing::warn!(%error, "the sidecar does not take the order to restart");
            }
            self.since = Instant::now();
            self.proven.clear();
            self.absent.clear();
            pause = (pause * 2).min(LONGEST_PAUSE).max(self.options.silence);
        }
    }

    /// The first subscription through which nothing comes although the broker has something, or that is not there.
    async fn deaf(&mut self) -> Option<Hearing> {
        let metadata = self.sidecar.metadata(CALL).await.ok()?;
        let ways = self.subscriptions(&metadata);
        // A component whose broker was down when the sidecar started is not listed: another start would not help.
        let mut loaded = metadata.registered_components.iter();
        if !loaded.any(|it| it.r#type.starts_with("pubsub.")) {
            self.absent.clear();
        } else if let Some(topic) = self.unsubscribed(&ways) {
            return Some(Hearing::Unsubscribed { topic });
        }
        for way in ways {
            if self.is_silent(&way) {
                match self.prove(&way).await {
                    Proof::Given => drop(self.proven.insert(way, Instant::now())),
                    Proof::Missing => {
                        let (pubsub, topic) = way;
                        return Some(Hearing::Deaf { pubsub, topic });
                    }
                    Proof::Unknown => {}
                }
            }
        }
        None
    }

    /// A topic that the sidecar has not listed for as long as silence may last: a Subscription that came while daprd was between its
    /// list and its watch is never seen (docs/UPSTREAM.md).
    fn unsubscribed(&mut self, ways: &[Way]) -> Option<String> {
        let mut lost = None;
        for topic in &self.topics {
            if ways.iter().any(|(_, listed)| listed == topic) {
                self.absent.remove(topic);
                continue;
            }
            let since = self.absent.entry(topic.clone());
            if since.or_insert_with(Instant::now).elapsed() >= self.options.silence {
                lost = Some(topic.clone());
            }
        }
        lost
    }

    /// What the sidecar itself says that it has subscribed to.
    fn subscriptions(&self, metadata: &GetMetadataResponse) -> Vec<Way> {
        let own = metadata
            .subscriptions
            .iter()
            .filter(|it| self.topics.contains(&it.topic));
        own.map(|it| (it.pubsub_name.clone(), it.topic.clone()))
            .collect()
    }

    fn is_silent(&self, way: &Way) -> bool {
        let heard = self.activity.silence(&way.0, &way.1);
        let proven = self.proven.get(way).unwrap_or(&self.since).elapsed();
        heard.unwrap_or(Duration::MAX).min(proven) >= self.options.silence
    }

    async fn prove(&mut self, way @ (pubsub, topic): &Way) -> Proof {
        let (source, id) = ("dapr-pubsub/watchdog", Uuid::new_v4().to_string());
        let started = Instant::now();
        let mut canary = NewEvent::new(id.clone(), "{}", "application/json").with_kind(CANARY_TYPE);
        canary.source = Some(source.to_owned());
        let publisher = self.publishers.entry(way.clone());
        let publisher = publisher
            .or_insert_with(|| Publisher::new(&self.sidecar, PublisherOptions::new(pubsub, topic)));
        let taken = publisher.publish(canary, self.options.patience).await;
        if let Err(error) = taken {
            tracing::debug!(pubsub, topic, %error, "a canary was not taken: nothing is known");
            return Proof::Unknown;
        }
        self.metrics.asked(pubsub, topic);
        let end = Instant::now() + self.options.patience;
        let mut is_known = false;
        while Instant::now() < end {
            let look = end.min(Instant::now() + LOOK);
            sleep_until(look).await;
            if look.elapsed() > STANDSTILL {
                return Proof::Unknown;
            }
            let silence = self.activity.silence(&way.0, &way.1);
            if silence.is_some_and(|silence| silence < started.elapsed()) {
                return Proof::Given;
            }
            match self.inbox.state(source, &id, CALL).await {
                Ok(EventState::Done | EventState::Claimed) => return Proof::Given,
                Ok(EventState::Unknown | EventState::Failed) => is_known = true,
                Err(_) => is_known = false,
            }
        }
        if is_known {
            Proof::Missing
        } else {
            Proof::Unknown
        }
    }
}
