//! What the commands of this repository and its tests share.
//!
//! [`Process`] runs programs that never outlive their owner, [`chart`] renders the chart with the real Helm, [`Kubectl`] speaks to the
//! cluster that `KUBECONFIG` names, [`Ledger`] counts what was acknowledged against the [`Effects`] in the workers' logs, [`scenario`]
//! makes tests of promises, and [`console`] is what people read.

pub mod chart;
pub mod command;
pub mod console;
mod deployment;
mod effects;
mod folder;
pub mod interrupt;
mod kubectl;
mod launch;
mod ledger;
mod lines;
mod ports;
mod process;
pub mod scenario;
pub mod toolbox;
mod wait;

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

pub use deployment::Deployment;
pub use effects::{Effects, MARK, QUIET};
pub use folder::WorkFolder;
pub use kubectl::Kubectl;
pub use launch::Launch;
pub use ledger::{Count, Failure, Ledger};
pub use lines::{Lines, tail};
pub use ports::Port;
pub use process::Process;
pub use toolbox::Toolbox;
pub use wait::until;

/// Eight hexadecimal digits, for names that are to be nobody else's.
pub fn random() -> String {
    uuid::Uuid::new_v4().simple().to_string().split_off(24)
}

/// What must fail has failed, and its error has all of `parts`. Otherwise `wrong` says what that means.
pub fn refused<T>(ended: Result<T>, wrong: &str, parts: &[&str]) -> Result<()> {
    let Err(error) = ended else { bail!("{wrong}") };
    let said = format!("{error:#}");
    let complete = parts.iter().all(|part| said.contains(part));
    ensure!(complete, "the refusal does not say {parts:?}: {said}");
    Ok(())
}

/// The folder of the workspace that this was built from.
pub fn workspace() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).map(PathBuf::from).unwrap_or(here)
}
