//! The promises of GUARANTEES.md on the cluster that `KUBECONFIG` names. `cargo xtask e2e` prepares what they need.

use std::process::ExitCode;

use anyhow::Result;
use cluster_tests::scenarios::{ALL, Setup};
use cluster_tests::{Leftovers, requirements};
use harness::kubectl::Kubectl;
use harness::scenario::{self, AtOnce};
use tokio::runtime::Runtime;

/// A node of two cores carries one release under load.
const AT_ONCE: AtOnce = AtOnce { light: 1, load: 1 };

fn main() -> ExitCode {
    let mut leftovers = None;
    let ready = || -> Result<Setup> {
        let setup = Setup::read()?;
        let kubectl = Kubectl::new(&setup.kubectl, "default");
        let argocd = setup.git.is_some();
        Runtime::new()?.block_on(requirements::check(&kubectl, argocd))?;
        leftovers = Some(Leftovers::of(&setup));
        Ok(setup)
    };
    let ended = scenario::main(ALL, &[], AT_ONCE, ready);
    drop(leftovers);
    ended
}
