//! The commands of this repository: `cargo xtask <command>`.

mod audit;
mod cargo;
mod chart;
mod e2e;
mod logged;
mod new_service;
mod pins;
mod scripts;
mod stack;
mod test;
mod tools;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};
use harness::{console, interrupt, workspace};
use serde::Deserialize as _;
use serde_json::Value;

/// task-pubsub without Kubernetes and without Docker: real sidecars, real brokers, the chart's own rendering.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows tasks flow, and the broker change from Redis to Kafka under load.
    Demo(stack::Args),
    /// Keeps the stack running until Ctrl-C, to try things on.
    Up(stack::Args),
    /// Everything that a fresh machine can check.
    Test(test::Args),
    /// Writes what is derived in the chart: its README and its golden renderings.
    Chart(chart::Args),
    /// Writes a service that publishes, subscribes or both, with values for the chart and tests.
    NewService(new_service::Args),
    /// The scenarios on the cluster that KUBECONFIG names, by Helm and by Argo CD.
    E2e(e2e::Args),
    /// Measures tasks a second, latency, processor and memory, against other ways to do the same.
    Bench(stack::Args),
    /// Builds a container image per service, reproducibly and without Docker, by `.github/scripts/images`.
    Image(stack::Args),
    /// Releases, by `.github/scripts/release`: images, chart, signatures; `--dry-run` does all of it here.
    Release(stack::Args),
    /// Asks whether a dependency has become dangerous; needs the network.
    Audit,
    /// Prints what `argocd/dapr.yaml` sets in Dapr's chart, as `helm upgrade --values -` takes it.
    DaprValues,
    /// Brings a release to an environment of Argo CD, or from one to the next, by `.github/scripts/promote`.
    Promote(stack::Args),
    /// Lists the tools that commands use, or installs them: version, origin, path.
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
        Command::Demo(args) => stack::run("demo", &args).await,
        Command::Up(args) => stack::run("up", &args).await,
        Command::Test(args) => test::run(args).await,
        Command::Chart(args) => chart::run(&args).await,
        Command::NewService(args) => new_service::run(&args).await,
        Command::E2e(args) => e2e::run(args).await,
        Command::Bench(args) => stack::run("bench", &args).await,
        Command::Image(args) => scripts::run("images", &args).await,
        Command::Release(args) => scripts::run("release", &args).await,
        Command::Audit => audit::run().await,
        Command::DaprValues => dapr_values(),
        Command::Promote(args) => scripts::run("promote", &args).await,
        Command::Tools(args) => tools::run(&args).await,
    }
}

fn dapr_values() -> Result<ExitCode> {
    let file = workspace().join("argocd/dapr.yaml");
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    for document in serde_norway::Deserializer::from_str(&text) {
        let object = Value::deserialize(document)?;
        if let Some(values) = object.pointer("/spec/source/helm/valuesObject") {
            console::result(serde_norway::to_string(values)?.trim_end());
            return Ok(ExitCode::SUCCESS);
        }
    }
    bail!("argocd/dapr.yaml sets no values")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }

    /// The places that `cargo release` writes and that nothing else compares.
    #[test]
    fn the_chart_has_the_version_of_the_workspace() {
        let version = env!("CARGO_PKG_VERSION");
        let chart = include_str!("../../charts/task-pubsub/Chart.yaml");
        for line in [
            format!("version: {version}"),
            format!("appVersion: \"{version}\""),
        ] {
            assert!(
                chart.lines().any(|it| it == line),
                "Chart.yaml has no line `{line}`"
            );
        }
    }
}
