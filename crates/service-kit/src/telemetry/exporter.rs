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

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::sync::{Arc, Mutex};

    use opentelemetry_sdk::error::OTelSdkError;
    use tracing::field::{Field, Visit};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

    use super::*;

    /// Fails while it is told to.
    #[derive(Debug, Default)]
    struct Exporter(AtomicBool);

    impl SpanExporter for Exporter {
        async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
            if self.0.load(Ordering::Relaxed) {
                return Err(OTelSdkError::InternalFailure("refused".to_owned()));
            }
            Ok(())
        }
    }

    /// The messages of the lines.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    impl<S: tracing::Subscriber> Layer<S> for Lines {
        fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
            event.record(&mut self.clone());
        }
    }

    impl Visit for Lines {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            let value = format!("{value:?}");
            // OpenTelemetry has lines of its own.
            if field.name() == "message" && value.starts_with("telemetry") {
                self.0.lock().unwrap().push(value);
            }
        }
    }

    #[test]
    fn the_first_failure_and_the_recovery_are_said_once() {
        let _alone = crate::ONE_SUBSCRIBER.lock();
        let lines = Lines::default();
        let exporter = Watched::new(Exporter::default(), "traces");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let subscriber = tracing_subscriber::registry().with(lines.clone());
        tracing::subscriber::with_default(subscriber, || {
            for failing in [false, true, true, false, false, true] {
                exporter.exporter.0.store(failing, Ordering::Relaxed);
                let result = runtime.block_on(SpanExporter::export(&exporter, Vec::new()));
                assert_eq!(result.is_err(), failing);
            }
        });
        let said: Vec<_> = lines
            .0
            .lock()
            .unwrap()
            .iter()
            .map(|line| line[..19].to_owned())
            .collect();
        assert_eq!(
            said,
            [
                "telemetry is not ex",
                "telemetry is export",
                "telemetry is not ex"
            ]
        );
    }
}
