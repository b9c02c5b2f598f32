//! Says when telemetry does not arrive. The SDK tries, fails and says nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::global;
use opentelemetry::metrics::Counter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// An exporter whose first failure and whose recovery are logged, and whose failures are counted.
#[derive(Debug)]
pub(super) struct Watched<E> {
    exporter: E,
    signal: &'static str,
    failing: AtomicBool,
}

impl<E> Watched<E> {
    /// `signal` is what it exports.
    pub(super) fn new(exporter: E, signal: &'static str) -> Self {
        Self {
            exporter,
            signal,
            failing: AtomicBool::new(false),
        }
    }

    fn note(&self, result: OTelSdkResult) -> OTelSdkResult {
        let failing = result.is_err();
        let failed = self.failing.swap(failing, Ordering::Relaxed);
        let signal = self.signal;
        if let Err(error) = &result {
            failures().add(1, &[opentelemetry::KeyValue::new("signal", signal)]);
            if !failed {
                tracing::warn!(signal, %error, "telemetry is not exported; said once until it is again");
            }
        } else if failed {
            tracing::info!(signal, "telemetry is exported again");
        }
        result
    }
}

/// Made when it is first needed: the meter provider is installed after the exporters have been built.
fn failures() -> Counter<u64> {
    global::meter("service-kit")
        .u64_counter("service_kit.telemetry.exports.failed")
        .with_unit("{export}")
        .with_description("Exports of telemetry that failed, by signal")
        .build()
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.note(self.exporter.export(batch).await)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Watched<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.note(self.exporter.export(metrics).await)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
