//! The local harness: the product on one machine, without Kubernetes and without containers.
//!
//! Everything real is real: Helm renders the chart, daprd reads what it renders, Redis and Kafka run. Played are only
//! the API server ([`resources`]), the Service ([`endpoints`]), and the kubelet with Dapr's injector ([`pod`],
//! [`sidecar`]). [`Stack`] puts them together.

pub mod broker;
pub mod chart;
pub mod deployment;
pub mod endpoints;
pub mod folder;
pub mod http;
pub mod job;
pub mod kafka;
pub mod launch;
pub mod log;
pub mod options;
pub mod pod;
pub mod ports;
pub mod process;
pub mod redis;
pub mod resources;
pub mod resp;
pub mod service;
pub mod sidecar;
pub mod site;
pub mod stack;
pub mod toolbox;
mod topics;

pub use broker::Broker;
pub use chart::merge;
pub use endpoints::{Endpoint, Endpoints};
pub use http::Http;
pub use job::Finished;
pub use kafka::Kafka;
pub use options::{Progress, StackOptions, workspace};
pub use pod::{App, PodEnd};
pub use process::NotReady;
pub use redis::Redis;
pub use stack::{Rollout, Stack};
pub use toolbox::{KafkaTools, Toolbox};
