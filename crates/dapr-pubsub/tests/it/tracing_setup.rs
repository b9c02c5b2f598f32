//! A tracing subscriber with an OpenTelemetry layer that keeps its spans.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;

pub struct Traces {
    provider: SdkTracerProvider,
    exporter: InMemorySpanExporter,
    _guard: DefaultGuard,
}

impl Traces {
    /// For the current thread, so the test has to run on one.
    pub fn start() -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        // Not those of h2 and hyper.
        let ours = Targets::new().with_default(Level::TRACE).with_targets([
            ("h2", LevelFilter::OFF),
            ("hyper_util", LevelFilter::OFF),
            ("tonic", LevelFilter::OFF),
            ("tower", LevelFilter::OFF),
        ]);
        let subscriber = tracing_subscriber::registry().with(layer.with_filter(ours));
        let guard = tracing::subscriber::set_default(subscriber);
        Self {
            provider,
            exporter,
            _guard: guard,
        }
    }

    pub fn spans(&self) -> Vec<SpanData> {
        self.provider.force_flush().unwrap();
        self.exporter.get_finished_spans().unwrap()
    }

    pub fn span(&self, name: &str) -> SpanData {
        let spans = self.spans();
        let found = spans.iter().find(|span| span.name == name);
        found
            .unwrap_or_else(|| panic!("no span `{name}` in {spans:#?}"))
            .clone()
    }
}

pub fn attribute(span: &SpanData, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|it| it.key.as_str() == name);
    found.map(|it| it.value.to_string())
}
