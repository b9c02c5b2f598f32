//! Who sends the telemetry: `service.*` by semantic conventions.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use uuid::Uuid;

/// The code's defaults, over which the standard variables win: first `OTEL_RESOURCE_ATTRIBUTES`, then `OTEL_SERVICE_NAME`. An
/// empty variable is an unset one.
pub(super) fn resource(service: &'static str) -> Resource {
    let defaults = [
        KeyValue::new("service.name", service),
        // One version for the whole workspace.
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", Uuid::new_v4().to_string()),
    ];
    let builder = Resource::builder_empty()
        .with_attributes(defaults)
        .with_detectors(&[
            Box::new(TelemetryResourceDetector),
            Box::new(EnvResourceDetector::new()),
        ]);
    match std::env::var("OTEL_SERVICE_NAME") {
        Ok(name) if !name.is_empty() => builder.with_service_name(name).build(),
        _ => builder.build(),
    }
}
