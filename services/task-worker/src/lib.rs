//! `task-worker`: receives `task.created` and acts on each event effectively once.
//!
//! What it does with a task is behind the trait [`Effect`]; replace [`LogTask`] with your own work.

mod config;
mod effect;
mod events;
mod health;
mod task_created;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use dapr_pubsub::{Inbox, Progress, Sidecar, Watchdog};
use service_kit::admin;
use service_kit::readiness::Readiness;
use service_kit::server::{self, Protocols};
use service_kit::shutdown::Shutdown;
use tokio::net::TcpListener;

pub use config::Config;
pub use effect::{Effect, EffectError, LogTask};
pub use task_created::TaskCreated;

/// How long the records of interrupted events may take, after the port has closed.
const LAST_RECORDS: Duration = Duration::from_secs(1);

/// The ports, bound before anything is promised.
#[derive(Debug)]
pub struct Listeners {
    /// Where the sidecar delivers events.
    pub events: TcpListener,
    /// Probes and metrics.
    pub admin: TcpListener,
}

impl Listeners {
    /// Binds both ports; call it inside a runtime.
    ///
    /// # Errors
    /// Names the address that cannot be had and its variable.
    pub fn bind(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            events: server::bind(config.listen_addr, "LISTEN_ADDR")?,
            admin: server::bind(config.admin_addr, "ADMIN_ADDR")?,
        })
    }
}

/// Serves until the shutdown has run its course: events are handled until the port closes, then those in hand are finished.
///
/// # Errors
/// The sidecar's address cannot be used.
pub async fn run<E: Effect>(
    config: Config,
    listeners: Listeners,
    effect: E,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let sidecar = Sidecar::new(&config.sidecar.options()).context("DAPR_GRPC_ENDPOINT")?;
    let inbox = config
        .inbox
        .options(&config.delivery)
        .map(|options| Inbox::new(&sidecar, options));
    let readiness = Readiness::default();

    let worker = Arc::new(events::Worker {
        effect,
        inbox: inbox.clone(),
    });
    let subscriptions = events::subscriptions(&worker, &config);
    let (activity, topics) = (subscriptions.activity(), subscriptions.topics());
    let dead_letters = subscriptions.dead_letters();
    let health = health::Health::new(&sidecar, inbox.clone(), dead_letters, &readiness);
    // Without an inbox it could not be known that another replica has heard.
    let progress = inbox.as_ref().map(|it| Progress::new(it, activity.clone()));
    let watchdog = worker.inbox.as_ref().zip(config.delivery.watchdog());
    let watchdog =
        watchdog.map(|(inbox, options)| Watchdog::new(&sidecar, inbox, activity, topics, options));
    let router = subscriptions.into_router().with_state(worker);
    tracing::info!(
        events = %listeners.events.local_addr()?,
        admin = %listeners.admin.local_addr()?,
        topic = config.subscription.topic,
        mode = ?config.subscription.subscription_mode,
        inbox = config.inbox.state_store.as_deref().unwrap_or("none"),
        consumer = config.inbox.consumer,
        "listening"
    );
    let protocols = Protocols::Http1AndHttp2;
    let service = async {
        let limits = config.limits;
        server::serve(listeners.events, protocols, router, limits, &shutdown).await;
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
            () = service => {}
            never = health.watch(watchdog) => match never {},
            Some(never) = recorded(progress) => match never {},
        }
    };
    admin::serve_beside(listeners.admin, readiness, &shutdown, both).await?;
    Ok(())
}

/// Without an inbox there is nowhere to record it.
async fn recorded(progress: Option<Progress>) -> Option<Infallible> {
    Some(progress?.run().await)
}
