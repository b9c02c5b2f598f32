//! The API as a client sees it, over TCP. No sidecar runs here: what needs one is proven on the real one by `cargo xtask test`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod healthcheck;
mod openapi;
mod process;
mod refusal;
mod server;
