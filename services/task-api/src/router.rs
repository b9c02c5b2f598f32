//! The table of contents of the API.

use service_kit::publishing::{self, Announcer};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::tasks;

pub(crate) fn routes() -> OpenApiRouter<Announcer> {
    publishing::api(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_DESCRIPTION"))
        .routes(routes!(tasks::create::create_task))
}

/// The OpenAPI document that `/openapi.json` serves.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}
