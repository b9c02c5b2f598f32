//! Commands that run the stack: its tools are found or installed, it is built, and takes over.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::{cargo, tools};

/// Handed on as they are; `--help` too.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<OsString>,
}

impl Args {
    /// The brokers that are named, which is all that these commands take beside flags and numbers.
    fn brokers(&self) -> impl Iterator<Item = &str> {
        self.args.iter().filter_map(|arg| arg.to_str())
    }
}

pub(crate) async fn run(command: &str, args: &Args) -> Result<ExitCode> {
    let named = args.brokers().map(|it| it.trim_start_matches("--broker="));
    let brokers: Vec<_> = if command == "demo" {
        vec!["kafka"]
    } else {
        named.collect()
    };
    let services = cargo::build_stack(command == "bench").await?;
    let toolbox = tools::toolbox(&brokers, &services).await?;
    toolbox.write()?;
    // In this process's place: a signal then reaches whom it is for.
    let error = Command::new(services.join("stack"))
        .arg(command)
        .args(&args.args)
        .exec();
    Err(error).context("the stack does not start")
}
