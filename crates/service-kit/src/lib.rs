//! What every service boots with.
//!
//! | module | holds |
//! |---|---|
//! | [`body`] | request bodies, bounded in size and time |
//! | [`boot`] | process start and end: runtime, signals, flush, exit code |
//! | [`service`] | what every service is configured with, and its two ports |
//! | [`publishing`] | a service with an API that announces events |
//! | [`subscribing`] | a service that acts on events |
//! | [`relaying`] | a service that acts on events and announces others |
//! | [`topics`] | what a service publishes and hears |
//! | [`asyncapi`] | the description of events |
//! | [`effect`] | why an event's work was not done |
//! | [`config`] | configuration parsed once, refused with exit 64 |
//! | [`telemetry`] | logs, traces, metrics |
//! | [`readiness`] | named conditions behind `/readyz` |
//! | [`admin`] | `/livez`, `/readyz`, `/startupz`, `/metrics` |
//! | [`healthcheck`] | `<service> healthcheck`, which asks them |
//! | [`server`] | the accept loop: limits, timeouts, drain |
//! | [`sidecar`] | where the Dapr sidecar is |
//! | [`shutdown`] | the two stages of a graceful end |
//! | [`problem`] | RFC 9457 problem details |
//! | [`json`] | the JSON body extractor that answers with problems |
//! | [`fields`] | what fields of requests may hold |
//! | [`request`] | span, metrics and panic barrier of each request |
//! | [`units`] | durations and sizes, as people write them |
//! | `testing` | a service under test, golden files (feature `testing`) |

pub mod admin;
pub mod asyncapi;
pub mod body;
pub mod boot;
pub mod config;
pub mod effect;
pub mod fields;
pub mod healthcheck;
pub mod json;
pub mod problem;
pub mod publishing;
pub mod readiness;
pub mod relaying;
pub mod request;
pub mod server;
pub mod service;
pub mod shutdown;
pub mod sidecar;
pub mod subscribing;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod topics;
pub mod units;

/// Held by tests with a subscriber of their own: tracing asks all that are alive whether a line is of interest, and remembers it.
#[cfg(test)]
pub(crate) static ONE_SUBSCRIBER: std::sync::Mutex<()> = std::sync::Mutex::new(());
