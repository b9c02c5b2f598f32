//! What a request leaves in traces and metrics, against the semantic conventions:
//! <https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span> and `http-metrics`, `http.server.request.duration`.

use std::sync::LazyLock;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanKind, Status, TracerProvider as _};
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, MetricData, ResourceMetrics, ScopeMetrics, SumDataPoint,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use service_kit::request::observed;
use service_kit::server::Protocols;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::site::{Site, status};

struct Telemetry {
    spans: InMemorySpanExporter,
    metrics: InMemoryMetricExporter,
    meters: SdkMeterProvider,
}

/// One for the process: providers and subscriber are global.
static TELEMETRY: LazyLock<Telemetry> = LazyLock::new(|| {
    let spans = InMemorySpanExporter::default();
    let tracers = SdkTracerProvider::builder()
        .with_simple_exporter(spans.clone())
        .build();
    let metrics = InMemoryMetricExporter::default();
    let meters = SdkMeterProvider::builder()
        .with_periodic_exporter(metrics.clone())
        .build();
    opentelemetry::global::set_meter_provider(meters.clone());
    let layer = tracing_opentelemetry::layer().with_tracer(tracers.tracer("test"));
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(LevelFilter::INFO));
    tracing::subscriber::set_global_default(subscriber).unwrap();
    Telemetry {
        spans,
        metrics,
        meters,
    }
});

/// To be called before the first request of a test.
pub(crate) fn install() {
    LazyLock::force(&TELEMETRY);
}

fn line<'a>(attributes: impl Iterator<Item = &'a KeyValue>) -> String {
    let mut attributes: Vec<_> = attributes
        // What tracing-opentelemetry says of the code is not about HTTP.
        .filter(|it| !it.key.as_str().starts_with("code.") && !it.key.as_str().starts_with("thread."))
        .filter(|it| !["busy_ns", "idle_ns", "target", "trace_id"].contains(&it.key.as_str()))
        .map(|it| format!("{}={}", it.key, it.value))
        .collect();
    attributes.sort();
    attributes.join(" ")
}

/// The span of the request for this path.
fn span(path: &str) -> SpanData {
    let spans = TELEMETRY.spans.get_finished_spans().unwrap();
    let path = opentelemetry::Value::from(path.to_owned());
    let of_path = |span: &SpanData| {
        let mut attributes = span.attributes.iter();
        attributes.any(|it| it.key.as_str() == "url.path" && it.value == path)
    };
    spans.into_iter().find(of_path).expect("a span of the path")
}

/// The label sets of the duration that mention `part`.
fn labels(part: &str) -> Vec<String> {
    TELEMETRY.meters.force_flush().unwrap();
    let rounds = TELEMETRY.metrics.get_finished_metrics().unwrap();
    let latest = rounds.last().unwrap();
    let mut found = Vec::new();
    for metric in latest.scope_metrics().flat_map(ScopeMetrics::metrics) {
        if let AggregatedMetrics::F64(MetricData::Histogram(histogram)) = metric.data() {
            assert_eq!(metric.name(), "http.server.request.duration");
            assert_eq!(metric.unit(), "s");
            found.extend(
                histogram
                    .data_points()
                    .map(|point| line(point.attributes())),
            );
        }
    }
    found.retain(|line| line.contains(part));
    found.sort();
    found
}

/// What a counter without attributes has counted.
pub(crate) fn counted(name: &str) -> u64 {
    TELEMETRY.meters.force_flush().unwrap();
    let rounds = TELEMETRY.metrics.get_finished_metrics().unwrap();
    let mut counted = 0;
    // There is none where nothing has been measured yet.
    let latest = rounds.last().into_iter();
    for metric in latest
        .flat_map(ResourceMetrics::scope_metrics)
        .flat_map(ScopeMetrics::metrics)
        .filter(|metric| metric.name() == name)
    {
        if let AggregatedMetrics::U64(MetricData::Sum(sum)) = metric.data() {
            counted += sum.data_points().map(SumDataPoint::value).sum::<u64>();
        }
    }
    counted
}

#[tokio::test]
async fn attributes_are_those_of_the_conventions() {
    install();
    let fails = async || StatusCode::SERVICE_UNAVAILABLE;
    let router = Router::new()
        .route("/observed/{id}", get(async || "found"))
        .route("/fails", get(fails));
    let site = Site::start(Protocols::Http1, observed(router));
    let ask = async |request: &str| {
        let request = format!("{request} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        status(&site.send(request).await)
    };
    assert_eq!(ask("GET /observed/1?secret=1").await, 200);
    assert_eq!(ask("GET /fails").await, 503);
    let long = format!("/nowhere/{}", "x".repeat(1000));
    assert_eq!(ask(&format!("GET {long}")).await, 404);
    for number in 0..100 {
        assert_eq!(ask(&format!("INVENTED{number} /observed/2")).await, 405);
    }

    let found = span("/observed/1");
    assert_eq!(found.name, "GET /observed/{id}");
    assert_eq!(
        (&found.span_kind, &found.status),
        (&SpanKind::Server, &Status::Unset)
    );
    assert_eq!(
        line(found.attributes.iter()),
        "http.request.method=GET http.response.status_code=200 http.route=/observed/{id} network.protocol.version=1.1 \
         url.path=/observed/1 url.scheme=http"
    );
    let failed = span("/fails");
    assert!(matches!(failed.status, Status::Error { .. }));
    assert_eq!(
        line(failed.attributes.iter()),
        "error.type=503 http.request.method=GET http.response.status_code=503 http.route=/fails network.protocol.version=1.1 \
         url.path=/fails url.scheme=http"
    );
    let lost = span(&long[..256]);
    assert_eq!(lost.name, "GET");
    let invented = span("/observed/2");
    assert_eq!(invented.name, "HTTP /observed/{id}");
    assert_eq!(
        line(invented.attributes.iter()),
        "http.request.method=_OTHER http.request.method_original=INVENTED0 http.response.status_code=405 \
         http.route=/observed/{id} network.protocol.version=1.1 url.path=/observed/2 url.scheme=http"
    );

    assert_eq!(
        labels("/observed/"),
        [
            "http.request.method=GET http.response.status_code=200 http.route=/observed/{id} url.scheme=http",
            "http.request.method=_OTHER http.response.status_code=405 http.route=/observed/{id} url.scheme=http",
        ]
    );
    assert_eq!(
        labels("error.type"),
        [
            "error.type=503 http.request.method=GET http.response.status_code=503 http.route=/fails url.scheme=http"
        ]
    );
    assert_eq!(
        labels("404"),
        ["http.request.method=GET http.response.status_code=404 url.scheme=http"],
        "no route, no attribute"
    );
}
