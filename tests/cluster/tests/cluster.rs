//! The promises of GUARANTEES.md on the cluster that `KUBECONFIG` names. `cargo xtask e2e` prepares what they need.

use std::process::ExitCode;

use anyhow::Result;
use cluster_tests::scenarios::{ALL, LONG, Setup};
use cluster_tests::{leftovers, requirements};
use harness::kubectl::Kubectl;
use harness::scenario::{self, AtOnce};
use tokio::runtime::Runtime;

/// A node of two cores carries two releases under load, and beside them one that mostly starts and waits.
const AT_ONCE: AtOnce = AtOnce { light: 1, load: 2 };

fn main() -> ExitCode {
    let mut begun = None;
    let ready = || -> Result<Setup> {
        let setup = Setup::read()?;
        let kubectl = Kubectl::new(&setup.kubectl, "default");
        let runtime = Runtime::new()?;
        runtime.block_on(requirements::check(&kubectl, setup.git.is_some()))?;
        begun = Some((runtime, setup.clone()));
        Ok(setup)
    };
    let ended = scenario::main(ALL, LONG, AT_ONCE, ready);
    if let Some((runtime, setup)) = begun.filter(|(_, setup)| !setup.keep) {
        runtime.block_on(leftovers::remove(&setup));
    }
    ended
}
