//! A service with an API that announces events: a 200 means that the broker acknowledged the event; nothing else does.

mod announcer;
mod args;
mod idempotency;
mod refusals;
mod watch;

use anyhow::Context as _;
use axum::Router;
use axum::response::Json;
use axum::routing::get;
use dapr_pubsub::{Publisher, Sidecar};
use tokio_util::sync::CancellationToken;
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;

pub use announcer::{Announcement, Announcer};
pub use args::PublishArgs;
pub use idempotency::{IDEMPOTENCY_KEY, IdempotencyKey, KeyOf};
pub use refusals::Refusals;

use crate::problem::Problem;
use crate::readiness::Readiness;
use crate::server::{self, Protocols};
use crate::service::{Listeners, ServiceArgs};
use crate::shutdown::Shutdown;
use crate::{admin, request};

/// Serves until the shutdown has run its course: requests in hand are answered, then queued events are sent.
///
/// # Errors
/// The sidecar's address cannot be used.
pub async fn serve(
    service: &ServiceArgs,
    publish: &PublishArgs,
    routes: OpenApiRouter<Announcer>,
    listeners: Listeners,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let sidecar = Sidecar::new(&service.sidecar.options()).context("DAPR_GRPC_ENDPOINT")?;
    let publisher = Publisher::new(&sidecar, publish.options());
    let readiness = Readiness::default();
    let condition = readiness.condition("pubsub", "the sidecar has not been asked yet");
    let watch_ends = CancellationToken::new();
    let watch =
        watch_ends.run_until_cancelled(watch::watch(&sidecar, &publish.pubsub_name, &condition));

    let announcer = Announcer::new(publisher.clone(), publish.publish_deadline);
    let api = request::observed(router(routes, announcer));
    tracing::info!(
        api = %listeners.app.local_addr()?,
        admin = %listeners.admin.local_addr()?,
        pubsub = publish.pubsub_name,
        topic = publish.topic,
        "listening"
    );
    let work = async {
        let limits = service.limits;
        server::serve(listeners.app, Protocols::Http1, api, limits, &shutdown).await;
        let left = publisher.shutdown(shutdown.deadline()).await;
        if left > 0 {
            tracing::warn!(
                events = left,
                "events were not acknowledged before the shutdown deadline; their callers got no 200"
            );
        }
        watch_ends.cancel();
    };
    let both = async { tokio::join!(work, watch) };
    admin::serve_beside(listeners.admin, readiness, &shutdown, both).await?;
    Ok(())
}

/// An API without routes. Its version is the workspace's.
pub fn api(name: &str, description: &str) -> OpenApiRouter<Announcer> {
    let license = LicenseBuilder::new()
        .name("Apache-2.0")
        .identifier(Some("Apache-2.0"));
    let info = InfoBuilder::new()
        .title(name)
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description))
        .license(Some(license.build()));
    let components = ComponentsBuilder::new().schema_from::<Problem>();
    let document = OpenApiBuilder::new()
        .info(info.build())
        .components(Some(components.build()));
    OpenApiRouter::with_openapi(document.build())
}

/// The routes, their description at `/openapi.json`, and problems for everything else.
fn router(routes: OpenApiRouter<Announcer>, announcer: Announcer) -> Router {
    let (served, document) = routes.with_state(announcer).split_for_parts();
    served
        .route("/openapi.json", get(async move || Json(document)))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
}
