//! Logs, traces and metrics.
//!
//! Logs go to standard output. Traces and metrics are pushed by OTLP when an endpoint is configured; metrics can always be
//! scraped from the admin server. Without an endpoint nothing records a trace, so none is begun and no span is made, which would cost a
//! third of what a request does; the trace that a request or an event belongs to is named in the logs and passed on as it came.

mod exporter;
mod json;
mod logs;
mod otel;
mod output;
mod readable;
mod resource;

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Dispatch;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use logs::LogFormat;
pub use output::written;

/// How telemetry is written and sent. The SDK itself reads the other standard `OTEL_*` variables
/// (sampler, resource attributes, headers, timeouts).
#[derive(Debug, Clone, clap::Args)]
pub struct TelemetryArgs {
    /// `text` for people, `json` for machines.
    #[arg(long, env = "LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// What is logged, as `level` or `target=level` separated by commas. It filters lines, not traces, and not what a service
    /// says of its effects.
    #[arg(long, env = "RUST_LOG", default_value = "info")]
    pub log_filter: String,
    /// Where traces and metrics are sent by OTLP over gRPC, for example `http://collector:4317`.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,
}

/// The providers that must be flushed before the process ends.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: SdkMeterProvider,
}

impl Telemetry {
    /// Installs the global subscriber, propagator and meter provider. Call it inside a runtime: the OTLP client needs one.
    ///
    /// # Errors
    /// A filter or an endpoint that cannot be used.
    pub fn install(service: &'static str, args: &TelemetryArgs) -> anyhow::Result<Self> {
        opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
        let resource = resource::resource(service);
        let endpoint = args.otlp_endpoint.as_deref();
        let traces = endpoint.map(|endpoint| otel::traces(resource.clone(), endpoint));
        let traces = traces.transpose()?;
        let metrics = otel::metrics(resource, endpoint)?;
        opentelemetry::global::set_meter_provider(metrics.clone());
        dispatch(service, args, traces.as_ref())?.try_init()?;
        Ok(Self { traces, metrics })
    }

    /// Sends what has not been sent, for at most `deadline` each. Call it outside of `block_on`, while the runtime lives.
    pub fn flush(&self, deadline: Duration) {
        let traces = self.traces.as_ref();
        if let Some(Err(error)) = traces.map(|traces| traces.shutdown_with_timeout(deadline)) {
            tracing::warn!(%error, "some spans were not sent");
        }
        if let Err(error) = self.metrics.shutdown_with_timeout(deadline) {
            tracing::warn!(%error, "some metrics were not sent");
        }
    }
}

/// Where lines and spans go. Not by `Option<Layer>`: a layer that is not there counts as one that wants every span.
fn dispatch(
    service: &'static str,
    args: &TelemetryArgs,
    traces: Option<&SdkTracerProvider>,
) -> anyhow::Result<Dispatch> {
    let filter = logs::filter(&args.log_filter, traces.is_some())?;
    let lines = logs::layer(args.log_format).with_filter(filter);
    let registry = tracing_subscriber::registry().with(lines);
    let Some(traces) = traces else {
        return Ok(registry.into());
    };
    let spans = tracing_opentelemetry::layer().with_tracer(traces.tracer(service));
    Ok(registry.with(spans.with_filter(LevelFilter::INFO)).into())
}

/// All metrics in Prometheus' text format.
pub fn prometheus_text() -> String {
    otel::prometheus_text()
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::{LogFormat, TelemetryArgs, dispatch};

    #[test]
    fn a_span_is_made_where_somebody_records_it() {
        let _alone = crate::ONE_SUBSCRIBER.lock();
        let args = TelemetryArgs {
            log_format: LogFormat::Json,
            log_filter: "info".to_owned(),
            otlp_endpoint: None,
        };
        let made = |traces| {
            let dispatch = dispatch("task-api", &args, traces).unwrap();
            tracing::dispatcher::with_default(&dispatch, || {
                let span = tracing::info_span!("request", trace_id = tracing::field::Empty);
                !span.is_disabled()
            })
        };
        assert!(!made(None));
        assert!(made(Some(&SdkTracerProvider::default())));
    }
}
