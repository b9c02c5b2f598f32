//! The cluster harness: the product on whatever Kubernetes `KUBECONFIG` names, through `kubectl`, Helm and Argo CD.
//!
//! Nothing is played here. A [`Site`] is a namespace of its own that enforces the *restricted* Pod Security Standard, topics of its
//! own on the brokers that are there, and goes again at the end. [`Load`] publishes from inside the cluster, through the
//! Service; [`PodLogs`] has what subscribers did, from all their pods; the count is the same as in the local harness.

pub mod argocd;
pub mod helm;
pub mod leftovers;
pub mod load;
pub mod load_throttle;
pub mod pod_logs;
pub mod repository;
pub mod requirements;
pub mod scenarios;
pub mod signals;
pub mod site;

pub use argocd::ArgoCd;
pub use helm::Helm;
pub use load::Load;
pub use load_throttle::LoadThrottle;
pub use pod_logs::PodLogs;
pub use repository::Repository;
pub use signals::Signals;
pub use site::Site;
