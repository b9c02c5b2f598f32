//! The local harness: the product on one machine, without Kubernetes and without containers.
//!
//! Everything real is real: Helm renders the chart, daprd reads what it renders, brokers run; of the cloud's, emulators.
//! Played are only the API server ([`resources`]) with its Secrets, the Service ([`endpoints`]), and the kubelet with Dapr's injector
//! ([`pod`], [`container`], [`sidecar`]). [`Stack`] puts them together.

pub mod broker;
pub mod chart;
pub mod container;
pub mod deployment;
pub mod endpoints;
pub mod folder;
pub mod http;
pub mod job;
pub mod kafka;
pub mod launch;
pub mod log;
pub mod moto;
pub mod nats;
pub mod options;
pub mod pod;
pub mod ports;
pub mod process;
pub mod pubsub_emulator;
pub mod rabbitmq;
pub mod redis;
pub mod resources;
pub mod resp;
mod secrets;
pub mod server;
pub mod service;
pub mod sidecar;
pub mod site;
pub mod stack;
pub mod toolbox;

pub use broker::Broker;
pub use chart::merge;
pub use endpoints::{Endpoint, Endpoints};
pub use http::Http;
pub use job::Finished;
pub use options::{Progress, StackOptions, workspace};
pub use pod::{App, PodEnd};
pub use process::NotReady;
pub use redis::Redis;
pub use server::Server;
pub use stack::{Rollout, Stack};
pub use toolbox::{KafkaTools, Toolbox};
