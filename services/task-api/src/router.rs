//! The table of contents of the API.

use axum::Router;
use axum::response::Json;
use axum::routing::get;
use service_kit::problem::Problem;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::tasks;

#[derive(OpenApi)]
#[openapi(info(
    title = "task-api",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Info;

pub(crate) fn router(app: App) -> Router {
    let (router, document) = routes().with_state(app).split_for_parts();
    router
        .route("/openapi.json", get(async move || Json(document)))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
}

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Info::openapi()).routes(routes!(tasks::create::create_task))
}

/// The OpenAPI document that `/openapi.json` serves.
pub fn openapi() -> Document {
    routes().into_openapi()
}
