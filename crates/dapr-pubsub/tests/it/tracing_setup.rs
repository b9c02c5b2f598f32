//! A tracing subscriber with an OpenTelemetry layer that keeps its spans.
//!
//! There is one for the whole process, installed before anything is traced: with one per test, a
//! span's callsite that is first reached on another thread at that very moment can miss it.

use std::sync::LazyLock;

use opentelemetry::trace::{TraceContextExt as _, TraceId, TracerProvider as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing::{Level, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::until;

static EXPORTER: LazyLock<InMemorySpanExporter> = LazyLock::new(|| {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let ours = Targets::new()
        .with_target("dapr_pubsub", Level::INFO)
        .with_target("it", Level::INFO);
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(ours));
    tracing::subscriber::set_global_default(subscriber).unwrap();
    exporter
});

/// To be called before the first span of a test.
pub fn install() {
    LazyLock::force(&EXPORTER);
}

pub fn trace_of(span: &Span) -> TraceId {
    span.context().span().span_context().trace_id()
}

/// The span of this name in this trace, as soon as it has ended.
pub async fn ended(trace: TraceId, name: &str) -> SpanData {
    let mut found = None;
    until(|| {
        let spans = EXPORTER.get_finished_spans().unwrap();
        found = spans
            .into_iter()
            .find(|span| span.span_context.trace_id() == trace && span.name == name);
        found.is_some()
    })
    .await;
    found.unwrap()
}

pub fn attribute(span: &SpanData, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|it| it.key.as_str() == name);
    found.map(|it| it.value.to_string())
}
