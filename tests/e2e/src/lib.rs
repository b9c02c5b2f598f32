//! Scenarios on real sidecars and real brokers, and the harness that they run in.

pub mod cluster;
pub mod cluster_scenarios;
pub mod command;
pub mod environment;
pub mod in_process;
pub mod ledger;
pub mod load;
pub mod local;
pub mod scenarios;
pub mod tail;
pub mod wait;
pub mod worker_log;
