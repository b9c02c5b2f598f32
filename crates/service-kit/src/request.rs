//! What surrounds each request of an API: its span, its metrics and a barrier for panics.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use http::{Method, Version};
use opentelemetry::metrics::Histogram;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry::{Context, KeyValue, global};
use tracing::{Instrument as _, Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::problem::Problem;

/// Attributes by the semantic conventions: <https://opentelemetry.io/docs/specs/semconv/http/http-spans/>.
const METHOD: &str = "http.request.method";
const ROUTE: &str = "http.route";
const SCHEME: &str = "url.scheme";
const STATUS: &str = "http.response.status_code";
const ERROR: &str = "error.type";

/// The method of a request whose method nobody knows.
const OTHER: &str = "_OTHER";

/// Characters of a path or a method that a span takes.
const SHOWN: usize = 256;

/// Seconds, as the semantic conventions advise for `http.server.request.duration`.
const BOUNDARIES: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

static DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    global::meter("service-kit")
        .f64_histogram("http.server.request.duration")
        .with_unit("s")
        .with_description("Duration of HTTP server requests.")
        .with_boundaries(BOUNDARIES.to_vec())
        .build()
});

/// Adds the span, the metrics and the panic barrier to every route that the router has so far.
pub fn observed(router: Router) -> Router {
    // One layer: each has its own boxes for every request.
    router.layer(middleware::from_fn(observe))
}

async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    // Neither the method nor, without a route, the path is a label or part of a name unless it is one of a few: both are the
    // client's own text, and every new one would be kept for ever.
    let method = known(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map(MatchedPath::as_str);
    let caller = dapr_pubsub::remote_span_context(request.headers());
    let span = server_span(method, route, &request, caller.as_ref());
    let work = AssertUnwindSafe(next.run(request)).catch_unwind();
    let work = async { work.await.unwrap_or_else(|panic| panicked(&*panic)) };
    let response = dapr_pubsub::in_trace(caller, work.instrument(span.clone())).await;

    let status = response.status();
    let mut attributes = Vec::with_capacity(5);
    attributes.extend([
        KeyValue::new(METHOD, method.unwrap_or(OTHER)),
        KeyValue::new(SCHEME, "http"),
        KeyValue::new(STATUS, i64::from(status.as_u16())),
    ]);
    attributes.extend(route.map(|route| KeyValue::new(ROUTE, route.to_owned())));
    span.record(STATUS, status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
        span.set_attribute(ERROR, status.as_str().to_owned());
        attributes.push(KeyValue::new(ERROR, status.as_str().to_owned()));
    }
    DURATION.record(started.elapsed().as_secs_f64(), &attributes);
    response
}

/// The methods that the conventions count as known; `None` for an invention.
fn known(method: &Method) -> Option<&'static str> {
    const KNOWN: [&str; 10] = [
        "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE",
    ];
    KNOWN.into_iter().find(|known| method == known)
}

/// What people look for is in the fields, which log lines repeat; the rest is for traces only.
fn server_span(
    method: Option<&'static str>,
    route: Option<&str>,
    request: &Request,
    caller: Option<&SpanContext>,
) -> Span {
    let verb = method.unwrap_or("HTTP");
    let span = tracing::info_span!(
        "request",
        otel.name = route.map_or_else(|| verb.to_owned(), |route| format!("{verb} {route}")),
        otel.kind = "server",
        otel.status_code = field::Empty,
        trace_id = field::Empty,
        http.request.method = method.unwrap_or(OTHER),
        http.route = route,
        http.response.status_code = field::Empty,
    );
    if span.is_disabled() {
        return span;
    }
    let mut trace = caller.map(SpanContext::trace_id);
    if let Some(caller) = caller {
        // Fails where nothing records spans.
        let _ = span.set_parent(Context::new().with_remote_span_context(caller.clone()));
    }
    let context = span.context();
    let recorded = context.span().span_context().clone();
    if recorded.is_valid() {
        trace = Some(recorded.trace_id());
        span.set_attribute(SCHEME, "http");
        span.set_attribute("url.path", shown(request.uri().path()));
        span.set_attribute("network.protocol.version", version(request.version()));
        if method.is_none() {
            let original = shown(request.method().as_str());
            span.set_attribute("http.request.method_original", original);
        }
    }
    if let Some(trace) = trace {
        span.record("trace_id", field::display(trace));
    }
    span
}

/// A stranger's text, cut. Paths and methods are ASCII.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = message, "a handler panicked");
    Problem::internal().into_response()
}
