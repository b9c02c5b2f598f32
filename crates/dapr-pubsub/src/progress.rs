//! That events are being worked off, written down where others can read it.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::{Activity, Inbox};

/// As the `source` of a record that is no event's; its `id` is [`way`].
pub(crate) const SOURCE: &str = "dapr-pubsub/progress";
/// Between two records.
const PERIOD: Duration = Duration::from_secs(2);
/// One call to the sidecar.
const CALL: Duration = Duration::from_secs(1);

/// How long a record of a [`Progress`] lasts: one that is still there so long after a moment was written after it.
pub const PROGRESS_TTL: Duration = Duration::from_secs(6);

/// Records every two seconds, per component and topic, that events have been handled, if some have.
///
/// Whoever wants to know whether the way from the broker to a subscriber works, and may not wait behind a backlog for an event of its
/// own, asks for it: [`InboxReader::progresses`](crate::InboxReader::progresses). One small write while events come; none while none do.
#[derive(Debug)]
pub struct Progress {
    inbox: Inbox,
    activity: Activity,
}

impl Progress {
    /// Of the deliveries that [`Subscriptions::activity`](crate::Subscriptions::activity) tells of.
    pub fn new(inbox: &Inbox, activity: Activity) -> Self {
        Self {
            inbox: inbox.clone(),
            activity,
        }
    }

    /// Records for ever.
    pub async fn run(self) -> std::convert::Infallible {
        let mut told: HashMap<String, u64> = HashMap::new();
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for (pubsub, topic, handled) in self.activity.handled() {
                let way = way(&pubsub, &topic);
                if told.get(&way).copied().unwrap_or_default() == handled {
                    continue;
                }
                match self.inbox.note(SOURCE, &way, PROGRESS_TTL, CALL).await {
                    Ok(()) => drop(told.insert(way, handled)),
                    Err(error) => tracing::debug!(%error, "progress was not recorded"),
                }
            }
        }
    }
}

/// Component and topic in one.
pub(crate) fn way(pubsub: &str, topic: &str) -> String {
    format!("{pubsub}/{topic}")
}
