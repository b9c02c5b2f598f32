//! Scenarios on real sidecars and real brokers, and the harness that they run in.

pub mod local;
