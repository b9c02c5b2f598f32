//! `cargo xtask audit`: whether anything that was released has become dangerous since. Needs the network, and its answer changes
//! without a commit; so it is not part of `cargo xtask test`.

use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::test::reading::deny;
use harness::console;

/// Holds `Cargo.lock` against the advisories about crates (<https://rustsec.org>).
pub(crate) async fn run() -> Result<ExitCode> {
    let advisories = deny(&["advisories"]).await;
    advisories.context("an advisory, or no access to them")?;
    console::result("no advisory is about a version in Cargo.lock");
    Ok(ExitCode::SUCCESS)
}
