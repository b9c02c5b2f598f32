//! For tests of what is built on this crate (feature `testing`): a sidecar without a broker, an inbox without a database, and events to
//! be delivered. Everything here panics where a test could not go on.
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

mod api;
mod delivery;
mod sidecar;
mod state;

pub use delivery::Delivery;
pub use sidecar::{Answer, FakeSidecar, PublishCall, SentEvent};
pub use state::{Fault, StateStore, Stored};
