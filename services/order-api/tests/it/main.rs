//! The API as a client sees it, over TCP, with a sidecar of our own making.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod openapi;
mod orders;
mod process;
mod server;
