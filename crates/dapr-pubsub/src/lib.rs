#![doc = include_str!("../README.md")]

mod canary;
mod clock;
mod cloud_event;
mod inbox;
mod objects;
mod outcome;
mod progress;
mod publisher;
mod secret;
mod sidecar;
mod subscriptions;
mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod trace_context;
mod watchdog;

pub use canary::CANARY_TYPE;
pub use cloud_event::{Binary, CloudEvent, DecodeError, Envelope, ExtensionValue};
pub use inbox::{
    Claim, EventState, Inbox, InboxError, InboxOptions, InboxReader, Lease, record_key,
};
pub use objects::Objects;
pub use outcome::{IntoOutcome, Outcome};
pub use progress::{PROGRESS_TTL, Progress};
pub use publisher::{NewEvent, PublishError, Publisher, PublisherOptions};
pub use secret::Secret;
pub use sidecar::{LoadedComponent, Sidecar, SidecarError, SidecarOptions};
pub use subscriptions::{
    Activity, DeadLetters, EventHandler, Handled, HandlerFuture, Mode, PreparedHandler,
    PubsubOptions, Routes, Rule, SubscribeEntry, Subscription, Subscriptions,
};
pub use trace_context::{current_trace, in_trace, remote_span_context};
pub use watchdog::{Hearing, Watchdog, WatchdogOptions};

/// The underlying cause of an error, as errors of this crate keep it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What the other side said, without the transport's inner life, which `Display` of a [`tonic::Status`] spells out; the whole
/// is in `source()`.
fn said(error: &BoxError) -> String {
    match error.downcast_ref::<tonic::Status>() {
        Some(status) => status.message().to_owned(),
        None => error.to_string(),
    }
}
