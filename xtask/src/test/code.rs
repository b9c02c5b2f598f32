//! Format, lints, unit tests and doc tests.

use anyhow::{Result, ensure};

use super::report::Outcome;
use crate::cargo;

pub(super) async fn format() -> Result<String> {
    cargo::run(&["fmt", "--all", "--check"]).await?;
    Ok(String::new())
}

pub(super) async fn clippy() -> Result<String> {
    // The first leaves out the tests that `cargo test` leaves to other commands.
    for targets in ["--all-targets", "--test=*"] {
        let line = ["clippy", "--quiet", "--workspace", targets];
        cargo::run(&[&line[..], &["--", "--deny=warnings"]].concat()).await?;
    }
    Ok(String::new())
}

pub(super) async fn units() -> Result<Outcome> {
    let output = cargo::run(&["test", "--quiet", "--workspace"]).await?;
    let passed = output.lines().filter_map(passed).sum();
    ensure!(passed > 0, "cargo test ran nothing:\n{output}");
    Ok(Outcome {
        passed,
        figures: format!("{passed} tests"),
    })
}

/// The count in `test result: ok. 12 passed; 0 failed; ...`.
fn passed(line: &str) -> Option<usize> {
    line.strip_prefix("test result: ok. ")?
        .split(' ')
        .next()?
        .parse()
        .ok()
}
