//! The server as a client sees it, over TCP.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod heads;
mod http1;
mod observed;
mod places;
mod relaying;
mod site;
mod stalled;
mod trace_context;
