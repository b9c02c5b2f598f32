//! The OpenTelemetry providers.

use std::sync::OnceLock;

use anyhow::{Context as _, bail};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus::{Registry, TextEncoder};

use super::exporter::Watched;

static REGISTRY: OnceLock<Registry> = OnceLock::new();

pub(super) fn traces(resource: Resource, endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(plain_http(endpoint)?)
        .build();
    let exporter = exporter.context("OTEL_EXPORTER_OTLP_ENDPOINT")?;
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(Watched::new(exporter, "traces"))
        .build())
}

pub(super) fn metrics(
    resource: Resource,
    endpoint: Option<&str>,
) -> anyhow::Result<SdkMeterProvider> {
    let registry = REGISTRY.get_or_init(Registry::new).clone();
    let scrape = opentelemetry_prometheus::exporter()
        .with_registry(registry)
        .build()?;
    let mut builder = SdkMeterProvider::builder()
        .with_resource(resource)
        .with_reader(scrape);
    if let Some(endpoint) = endpoint {
        let exporter = MetricExporter::builder()
            .with_tonic()
            .with_endpoint(plain_http(endpoint)?)
            .build();
        let exporter = exporter.context("OTEL_EXPORTER_OTLP_ENDPOINT")?;
        builder = builder.with_periodic_exporter(Watched::new(exporter, "metrics"));
    }
    Ok(builder.build())
}

fn plain_http(endpoint: &str) -> anyhow::Result<&str> {
    if endpoint.starts_with("http://") {
        return Ok(endpoint);
    }
    bail!(
        "OTEL_EXPORTER_OTLP_ENDPOINT: `{endpoint}` must begin with `http://`: this build has no TLS; send to a collector in the \
         cluster, which can forward by TLS"
    )
}

pub(super) fn prometheus_text() -> String {
    let families = REGISTRY.get().map(Registry::gather).unwrap_or_default();
    TextEncoder::new()
        .encode_to_string(&families)
        .unwrap_or_default()
}
