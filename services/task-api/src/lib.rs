//! `task-api`: takes `POST /tasks` and announces `task.created` through its Dapr sidecar.
//!
//! A 200 means that the broker acknowledged the event; nothing else does.

mod app;
mod config;
mod event;
mod idempotency;
mod router;
mod sidecar_watch;
mod tasks;

use anyhow::Context as _;
use app::App;
use dapr_pubsub::{Publisher, Sidecar};
use service_kit::readiness::Readiness;
use service_kit::server::{self, Protocols};
use service_kit::shutdown::Shutdown;
use service_kit::{admin, request};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use event::TaskCreated;
pub use idempotency::IDEMPOTENCY_KEY;
pub use router::openapi;

/// The ports, bound before anything is promised.
#[derive(Debug)]
pub struct Listeners {
    /// The API.
    pub api: TcpListener,
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
            api: server::bind(config.listen_addr, "LISTEN_ADDR")?,
            admin: server::bind(config.admin_addr, "ADMIN_ADDR")?,
        })
    }
}

/// Serves until the shutdown has run its course: requests in hand are answered, then queued events are sent.
///
/// # Errors
/// The sidecar's address cannot be used.
pub async fn run(config: Config, listeners: Listeners, shutdown: Shutdown) -> anyhow::Result<()> {
    let sidecar = Sidecar::new(&config.sidecar.options()).context("DAPR_GRPC_ENDPOINT")?;
    let publisher = Publisher::new(&sidecar, config.publish.options());
    let readiness = Readiness::default();
    let condition = readiness.condition("pubsub", "the sidecar has not been asked yet");
    let watch_ends = CancellationToken::new();
    let watch =
        watch_ends.run_until_cancelled(sidecar_watch::watch(&sidecar, &config.publish, &condition));

    let api = request::observed(router::router(App::new(publisher.clone(), &config)));
    tracing::info!(
        api = %listeners.api.local_addr()?,
        admin = %listeners.admin.local_addr()?,
        pubsub = config.publish.pubsub_name,
        topic = config.publish.topic,
        "listening"
    );
    let service = async {
        server::serve(
            listeners.api,
            Protocols::Http1,
            api,
            config.limits,
            &shutdown,
        )
        .await;
        let left = publisher.shutdown(shutdown.deadline()).await;
        if left > 0 {
            tracing::warn!(
                events = left,
                "events were not acknowledged before the shutdown deadline; their callers got no 200"
            );
        }
        watch_ends.cancel();
    };
    let both = async { tokio::join!(service, watch) };
    admin::serve_beside(listeners.admin, readiness, &shutdown, both).await?;
    Ok(())
}
