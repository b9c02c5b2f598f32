//! The local harness: the product on one machine, without Kubernetes and without containers.
//!
//! Everything real is real: Helm renders the chart, daprd reads what it renders, brokers run; of the cloud's, emulators.
//! Played are only the API server (`resources`) with its Secrets, the Service (`endpoints`), and the kubelet with Dapr's injector
//! (`pod`, `container`, `sidecar`). [`Stack`] puts them together.

mod background;
mod broker;
mod container;
mod endpoints;
pub mod environment;
pub mod load;
mod pod;
mod resources;
pub mod scenarios;
mod sidecar;
mod site;
mod stack;

pub use background::Background;
use broker::BrokerProcess;
use container::Container;
pub use endpoints::{Endpoint, Endpoints};
pub use pod::Pod;
use pod::{App, PodEnd, Program};
use resources::Resources;
use sidecar::Sidecar;
use site::Site;
pub use site::StackOptions;
pub use stack::Stack;
pub use task_probe::client::Client as Http;
