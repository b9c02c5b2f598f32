//! The programs and sources that the tests use.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Result, anyhow};
use harness::{Toolbox, command, toolbox::CHART};
use tokio::process::Command;
use tokio::runtime;

/// For any of them, on a busy machine.
const LIMIT: Duration = Duration::from_mins(10);

/// What helm-unittest and kube-score write of what is as it should be.
const PASSED: [&str; 3] = [" PASS", "[OK]", "[SKIPPED]"];

static TOOLBOX: LazyLock<Toolbox> = LazyLock::new(|| {
    let toolbox = Toolbox::read_from(CHART);
    toolbox.unwrap_or_else(|it| panic!("{it:#}: `cargo xtask test --only chart` writes it"))
});

/// The path of a program, or the folder of a Go module, by its name in `xtask/tools.yaml`.
pub(crate) fn tool(name: &str) -> &'static Path {
    let path = TOOLBOX.path(name);
    path.unwrap_or_else(|error| panic!("{error:#}"))
}

/// Runs a program to its end and returns its standard output; the error is what it wrote of failures.
pub(crate) fn output(command: &mut Command, input: &str) -> Result<String> {
    block_on(command::output(command, LIMIT, input))?.map_err(|error| {
        let said = error.to_string();
        let fine = |line: &&str| PASSED.iter().any(|it| line.starts_with(it));
        let said: Vec<_> = said.lines().filter(|line| !fine(line)).collect();
        let program = command.as_std().get_program().display();
        anyhow!("{program} failed\n{}", said.join("\n"))
    })
}

/// For tests, each of which has a thread.
pub(crate) fn block_on<F: Future>(future: F) -> Result<F::Output> {
    let mut runtime = runtime::Builder::new_current_thread();
    Ok(runtime.enable_all().build()?.block_on(future))
}
