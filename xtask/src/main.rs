//! The commands of this repository: `cargo xtask <command>`.

mod console;
mod interrupt;
mod tools;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    about = "The commands of this repository",
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the tools of the local stack: version, origin, path.
    Tools(tools::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Cli::parse().command;
    let ended = interrupt::or_interrupted(run(command)).await;
    ended.unwrap_or_else(|error| console::failure(&error))
}

async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Tools(args) => tools::run(&args).await,
    }
}
