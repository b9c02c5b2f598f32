//! `cargo xtask bench`: what our code costs, as ratios against the sidecar itself in the same run.

mod measure;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::toolbox::Toolbox;
use local_stack::{Stack, StackOptions};
use serde::Serialize;

use harness::console::{self, Step, bold};

use measure::Target;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Requests under way at once.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Seconds for each target in each round.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often all targets are measured in turn; the medians count.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Prints one line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// One figure for each target, and what the services weigh.
#[derive(Debug, Serialize)]
struct Results {
    connections: usize,
    post_tasks_per_second: f64,
    sidecar_grpc_per_second: f64,
    sidecar_http_per_second: f64,
    ratio_to_sidecar_grpc: f64,
    task_api_binary_bytes: u64,
    task_worker_binary_bytes: u64,
    task_api_idle_mib: u64,
    task_api_peak_mib: u64,
    task_worker_idle_mib: u64,
}

pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    let toolbox = Toolbox::read()?;
    let binaries = ["task-api", "task-worker"].map(|it| toolbox.services.join(it));
    let stack = Stack::start(StackOptions::new(toolbox)).await?;
    let memory =
        |process: &harness::process::Process| process.peak_memory_mib().unwrap_or_default();
    let task_api_idle_mib = memory(&stack.api().service()?.process());
    let task_worker_idle_mib = memory(&stack.worker().service()?.process());
    // Publishing is what is measured; consuming would take its processor.
    stack.worker().service()?.kill().await?;
    stack.worker().sidecar().kill().await?;

    let targets = [Target::PostTasks, Target::SidecarGrpc, Target::SidecarHttp];
    let mut figures = [const { Vec::new() }; 3];
    for round in 1..=args.rounds {
        for (target, figures) in targets.iter().zip(&mut figures) {
            let step = Step::start(format!("round {round}: {}", target.name()));
            let duration = Duration::from_secs(args.seconds);
            let rate = measure::rate(*target, &stack, args.connections, duration).await?;
            step.done(&format!("{rate:.0} a second"));
            figures.push(rate);
        }
    }
    let [post, grpc, http] = figures.map(median);
    let size = |path: &std::path::Path| {
        std::fs::metadata(path)
            .map(|file| file.len())
            .context("a built binary")
    };
    let results = Results {
        connections: args.connections,
        post_tasks_per_second: post,
        sidecar_grpc_per_second: grpc,
        sidecar_http_per_second: http,
        ratio_to_sidecar_grpc: post / grpc,
        task_api_binary_bytes: size(&binaries[0])?,
        task_worker_binary_bytes: size(&binaries[1])?,
        task_api_idle_mib,
        task_api_peak_mib: memory(&stack.api().service()?.process()),
        task_worker_idle_mib,
    };
    stack.shutdown().await?;
    show(&results, args.json)?;
    Ok(ExitCode::SUCCESS)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

fn show(results: &Results, json: bool) -> Result<()> {
    if json {
        console::result(serde_json::to_string(results)?);
        return Ok(());
    }
    console::result(format!(
        "\n{}",
        bold(&format!("Events a second, {} at once", results.connections))
    ));
    let rates = [
        ("POST /tasks", results.post_tasks_per_second),
        (
            "daprd by gRPC, one event a call",
            results.sidecar_grpc_per_second,
        ),
        (
            "daprd by HTTP, one event a call",
            results.sidecar_http_per_second,
        ),
    ];
    for (name, rate) in rates {
        let ratio = rate / results.sidecar_grpc_per_second;
        console::result(format!("  {name:<34}{rate:>9.0}{ratio:>8.2}"));
    }
    console::result(format!("\n{}", bold("Size")));
    let sizes = [
        (
            "task-api",
            results.task_api_binary_bytes,
            results.task_api_idle_mib,
            results.task_api_peak_mib,
        ),
        (
            "task-worker",
            results.task_worker_binary_bytes,
            results.task_worker_idle_mib,
            results.task_worker_idle_mib,
        ),
    ];
    for (name, bytes, idle, peak) in sizes {
        let mib = bytes / (1024 * 1024);
        console::result(format!(
            "  {name:<14}{mib:>4} MiB binary{idle:>6} MiB idle{peak:>6} MiB at most"
        ));
    }
    Ok(())
}
