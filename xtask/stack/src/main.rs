//! The stack by hand: `cargo xtask demo`, `up` and `bench`.

mod demo;
mod orders;
mod up;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use harness::{console, interrupt};

/// Real sidecars, real brokers and the chart's own rendering, on this machine.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows tasks flow, and the broker change from Redis to Kafka under load.
    Demo(demo::Args),
    /// Keeps the stack running until Ctrl-C, to try things on.
    Up(up::Args),
    /// Measures tasks a second, latency, processor and memory, against other ways to do the same.
    Bench(bench::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Cli::parse().command;
    let ended = interrupt::or_interrupted(run(command)).await;
    ended.unwrap_or_else(|error| console::failure(&error))
}

async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Demo(args) => demo::run(&args).await,
        Command::Up(args) => up::run(&args).await,
        Command::Bench(args) => bench::run(&args).await,
    }
}
