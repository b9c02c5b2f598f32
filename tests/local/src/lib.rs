//! The local harness: the product on one machine, without Kubernetes and without containers.
//!
//! Everything real is real: Helm renders the chart, daprd reads what it renders, brokers run; of the cloud's, emulators.
//! Played are only the API server ([`resources`]) with its Secrets, the Service ([`endpoints`]), and the kubelet with Dapr's injector
//! ([`pod`], [`container`], [`sidecar`]). [`Stack`] puts them together.

pub mod broker;
pub mod container;
pub mod endpoints;
pub mod environment;
pub mod load;
pub mod options;
pub mod pod;
pub mod resources;
pub mod scenarios;
pub mod sidecar;
pub mod site;
pub mod stack;

pub use broker::BrokerProcess;
pub use endpoints::{Endpoint, Endpoints};
pub use options::StackOptions;
pub use pod::{App, PodEnd};
pub use stack::{Finished, Rollout, Stack};
pub use task_probe::client::Client as Http;
