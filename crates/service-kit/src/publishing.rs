//! A service with an API that announces events: a 200 means that the broker acknowledged the event; nothing else does.

mod announcer;
mod args;
mod idempotency;
mod publishers;
mod refusals;
mod watch;

use axum::Router;
use axum::response::Json;
use axum::routing::get;
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;

pub use announcer::{Announcement, Announcer};
pub use args::PublishArgs;
pub use idempotency::{IDEMPOTENCY_KEY, IdempotencyKey, KeyOf};
pub(crate) use publishers::Publishers;
pub use refusals::Refusals;

use crate::problem::Problem;
use crate::readiness::Readiness;
use crate::server::{self, Protocols};
use crate::service::{Listeners, ServiceArgs};
use crate::shutdown::Shutdown;
use crate::topics::{Declares, Topics};
use crate::{admin, asyncapi, request};

/// Serves until the shutdown has run its course: requests in hand are answered, then queued events are sent.
///
/// # Errors
/// The sidecar's address cannot be used.
pub async fn serve<D: Declares>(
    service: &ServiceArgs,
    publish: &PublishArgs,
    topics: &Topics<D>,
    routes: OpenApiRouter<Announcer>,
    listeners: Listeners,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let sidecar = service.sidecar.client()?;
    let readiness = Readiness::default();
    let publishers = Publishers::new(&sidecar, publish, topics, &readiness);

    let api = request::observed(router(routes, topics, publishers.announcer()));
    let names: Vec<_> = topics.published().map(|(_, name)| name).collect();
    tracing::info!(
        api = %listeners.app.local_addr()?,
        admin = %listeners.admin.local_addr()?,
        pubsub = publish.pubsub_name,
        topic = names.join(","),
        "listening"
    );
    let work = async {
        let limits = service.limits;
        server::serve(listeners.app, Protocols::Http1, api, limits, &shutdown).await;
        publishers.end(shutdown.deadline()).await;
    };
    let both = async {
        tokio::select! {
            () = work => {}
            never = publishers.watch() => match never {},
        }
    };
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

/// The routes, their description at `/openapi.json`, that of the events at `/asyncapi.json`, and problems for everything else.
fn router<D: Declares>(
    routes: OpenApiRouter<Announcer>,
    topics: &Topics<D>,
    announcer: Announcer,
) -> Router {
    let (served, document) = routes.with_state(announcer).split_for_parts();
    let info = &document.info;
    let description = info.description.as_deref().unwrap_or_default();
    let events = asyncapi::of_service(&info.title, &info.version, description, topics);
    served
        .route("/openapi.json", get(async move || Json(document)))
        .route("/asyncapi.json", get(async move || Json(events)))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
}
