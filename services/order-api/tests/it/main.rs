//! The API as a client sees it, over TCP, with a sidecar of our own making.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, unreachable_pub, reason = "it serves other tests, too")]
#[path = "../../../../crates/dapr-pubsub/tests/it/fake_sidecar.rs"]
mod fake_sidecar;
mod openapi;
mod orders;
mod process;
mod server;

/// What the fake sidecar asks of the tests that it serves: here nobody looks at traces.
mod tracing_setup {
    pub(crate) fn install() {}
}
