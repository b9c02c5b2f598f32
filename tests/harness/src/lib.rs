//! What the commands of this repository and its tests share.
//!
//! [`process`] runs programs that never outlive their owner, [`chart`] renders the chart with the real Helm, [`kubectl`] speaks to the
//! cluster that `KUBECONFIG` names, [`ledger`] counts what was acknowledged against the [`effects`] in the workers' logs, [`scenario`]
//! makes tests of promises, and [`console`] is what people read.

pub mod chart;
pub mod command;
pub mod console;
pub mod deployment;
pub mod effects;
pub mod folder;
pub mod interrupt;
pub mod kubectl;
pub mod launch;
pub mod ledger;
pub mod lines;
pub mod ports;
pub mod process;
pub mod scenario;
pub mod toolbox;
pub mod wait;

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

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
