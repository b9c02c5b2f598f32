//! The cluster harness: the product on whatever Kubernetes `KUBECONFIG` names, through `kubectl`, Helm and Argo CD.
//!
//! Nothing is played here. A [`Site`] is a namespace of its own that enforces the *restricted* Pod Security Standard, topics of its
//! own on the brokers that are there, and goes again at the end. [`Load`] publishes from inside the cluster, through the
//! Service; [`PodLogs`] has what subscribers did, from all their pods; the count is the same as in the local harness.

mod argocd;
mod load;
mod pod_logs;
mod repository;
mod run;
mod scenarios;
mod signals;
mod site;

use std::process::ExitCode;

use anyhow::Result;
use harness::{Kubectl, scenario};
use tokio::runtime::Runtime;

use argocd::ArgoCd;
use load::Load;
use pod_logs::PodLogs;
use repository::Repository;
use scenarios::{ALL, Setup};
use signals::Signals;
use site::{Helm, ROLLOUT, RUN_LABEL, SOON, Site};

/// Beside one that mostly starts and waits, a node of two cores carries three releases under load.
const AT_ONCE: (usize, usize) = (1, 3);

/// The promises of GUARANTEES.md on that cluster.
pub fn main() -> ExitCode {
    let mut begun = None;
    let ready = || -> Result<Setup> {
        let setup = Setup::read()?;
        let kubectl = Kubectl::new(&setup.kubectl, "default");
        let runtime = Runtime::new()?;
        runtime.block_on(run::check(&kubectl, setup.git.is_some()))?;
        begun = Some((runtime, setup.clone()));
        Ok(setup)
    };
    let ended = scenario::main(ALL, AT_ONCE, ready);
    if let Some((runtime, setup)) = begun.filter(|(_, setup)| !setup.keep) {
        runtime.block_on(run::remove(&setup));
    }
    ended
}
