//! A service that acts on the events which its sidecar delivers.

mod args;
mod health;

use std::convert::Infallible;
use std::time::Duration;

use dapr_pubsub::{Inbox, Progress, Sidecar, Subscriptions, Watchdog};

pub use args::{DeliveryArgs, InboxArgs, SubscribeArgs, SubscriptionArgs, SubscriptionMode};

use crate::admin;
use crate::publishing::Publishers;
use crate::readiness::Readiness;
use crate::server::{self, Protocols};
use crate::service::{Listeners, ServiceArgs};
use crate::shutdown::Shutdown;

/// How long the records of interrupted events may take, after the port has closed.
const LAST_RECORDS: Duration = Duration::from_secs(1);

/// Serves until the shutdown has run its course: events are handled until the port closes, then those in hand are finished.
///
/// `declare` adds the handlers, to subscriptions that are set up as configured, with the inbox that is configured; `state` is what
/// handlers get as their axum state.
///
/// # Errors
/// The sidecar's address cannot be used.
pub async fn serve<S: Clone + Send + Sync + 'static>(
    service: &ServiceArgs,
    subscribe: &SubscribeArgs,
    state: S,
    declare: impl FnOnce(Subscriptions<S>, Option<Inbox>) -> Subscriptions<S>,
    listeners: Listeners,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let sidecar = service.sidecar.client()?;
    let parts = Parts {
        service,
        subscribe,
        sidecar: &sidecar,
        readiness: Readiness::default(),
        publishers: None,
    };
    parts.serve(state, declare, listeners, shutdown).await
}

/// What a subscriber is made of.
pub(crate) struct Parts<'a> {
    pub(crate) service: &'a ServiceArgs,
    pub(crate) subscribe: &'a SubscribeArgs,
    pub(crate) sidecar: &'a Sidecar,
    pub(crate) readiness: Readiness,
    /// Where its handlers publish.
    pub(crate) publishers: Option<Publishers<'a>>,
}

impl Parts<'_> {
    pub(crate) async fn serve<S: Clone + Send + Sync + 'static>(
        self,
        state: S,
        declare: impl FnOnce(Subscriptions<S>, Option<Inbox>) -> Subscriptions<S>,
        listeners: Listeners,
        shutdown: Shutdown,
    ) -> anyhow::Result<()> {
        let Parts {
            service,
            subscribe,
            sidecar,
            readiness,
            publishers,
        } = self;
        let SubscribeArgs {
            subscription,
            inbox: inbox_args,
            delivery,
        } = subscribe;
        let inbox = inbox_args
            .options(delivery)
            .map(|options| Inbox::new(sidecar, options));

        let subscriptions = Subscriptions::new()
            .mode(subscription.mode())
            .app_tokens(subscription.tokens())
            .handler_timeout(subscription.handler_timeout)
            .canary_inbox(inbox.clone());
        let subscriptions = match inbox {
            Some(_) => subscriptions,
            // Nobody else counts.
            None => subscriptions.max_attempts(delivery.attempts()),
        };
        let subscriptions = declare(subscriptions, inbox.clone());
        let (activity, topics) = (subscriptions.activity(), subscriptions.topics());
        let dead_letters = subscriptions.dead_letters();
        let health = health::Health::new(sidecar, inbox.clone(), dead_letters, &readiness);
        // Without an inbox it could not be known that another replica has heard.
        let progress = inbox.as_ref().map(|it| Progress::new(it, activity.clone()));
        let topic = topics.join(",");
        let watchdog = inbox.as_ref().zip(delivery.watchdog());
        let watchdog = watchdog
            .map(|(inbox, options)| Watchdog::new(sidecar, inbox, activity, topics, options));
        let router = subscriptions.into_router().with_state(state);
        tracing::info!(
            events = %listeners.app.local_addr()?,
            admin = %listeners.admin.local_addr()?,
            topic,
            mode = ?subscription.subscription_mode,
            inbox = inbox_args.state_store.as_deref().unwrap_or("none"),
            consumer = inbox_args.consumer,
            "listening"
        );
        let protocols = Protocols::Http1AndHttp2;
        let work = async {
            let limits = service.limits;
            server::serve(listeners.app, protocols, router, limits, &shutdown).await;
            if let Some(publishers) = &publishers {
                publishers.end(shutdown.deadline()).await;
            }
            let Some(inbox) = inbox else { return };
            let left = inbox.shutdown(LAST_RECORDS).await;
            if left > 0 {
                tracing::warn!(
                    events = left,
                    "events were still being handled at the end: they are delivered again when their claims have lapsed"
                );
            }
        };
        let both = async {
            tokio::select! {
                () = work => {}
                never = health.watch(watchdog) => match never {},
                Some(never) = recorded(progress) => match never {},
                Some(never) = watched(publishers.as_ref()) => match never {},
            }
        };
        admin::serve_beside(listeners.admin, readiness, &shutdown, both).await?;
        Ok(())
    }
}

/// Nothing to watch for who does not publish.
async fn watched(publishers: Option<&Publishers<'_>>) -> Option<Infallible> {
    Some(publishers?.watch().await)
}

/// Without an inbox there is nowhere to record it.
async fn recorded(progress: Option<Progress>) -> Option<Infallible> {
    Some(progress?.run().await)
}
