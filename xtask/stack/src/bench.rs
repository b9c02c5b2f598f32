//! `cargo xtask bench`: what our code costs, as ratios against the sidecar itself in the same run.

mod measure;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::console::{self, Step, style};
use harness::process::Process;
use harness::toolbox::Toolbox;
use local_stack::{Stack, StackOptions};
use serde_json::json;

use measure::Target;

const TARGETS: [Target; 3] = [Target::PostTasks, Target::SidecarGrpc, Target::SidecarHttp];

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

pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    let toolbox = Toolbox::read()?;
    let binaries = ["task-api", "task-worker"].map(|it| toolbox.services.join(it));
    let stack = Stack::start(StackOptions::new(toolbox)).await?;
    let (api, worker) = (stack.api.service()?, stack.worker.service()?);
    let memory = |process: &Process| process.peak_memory_mib().unwrap_or_default();
    let idle = [memory(&api.process()), memory(&worker.process())];
    // Publishing is what is measured; consuming would take its processor.
    worker.kill().await?;
    stack.worker.sidecar.kill().await?;

    let mut figures = [const { Vec::new() }; 3];
    for round in 1..=args.rounds {
        for (target, figures) in TARGETS.iter().zip(&mut figures) {
            let step = Step::start(format!("round {round}: {}", target.name()));
            let duration = Duration::from_secs(args.seconds);
            let rate = measure::rate(*target, &stack, args.connections, duration).await?;
            step.done(&format!("{rate:.0} a second"));
            figures.push(rate);
        }
    }
    let rates = figures.map(median);
    let peak = memory(&api.process());
    let [api_bytes, worker_bytes] = binaries.map(|path| std::fs::metadata(path).map(|it| it.len()));
    let (api_bytes, worker_bytes) = (
        api_bytes.context("task-api")?,
        worker_bytes.context("task-worker")?,
    );
    stack.shutdown().await?;

    if args.json {
        console::result(json!({
            "connections": args.connections,
            "post_tasks_per_second": rates[0],
            "sidecar_grpc_per_second": rates[1],
            "sidecar_http_per_second": rates[2],
            "ratio_to_sidecar_grpc": rates[0] / rates[1],
            "task_api_binary_bytes": api_bytes,
            "task_worker_binary_bytes": worker_bytes,
            "task_api_idle_mib": idle[0],
            "task_api_peak_mib": peak,
            "task_worker_idle_mib": idle[1],
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let heading = format!("Events a second, {} at once", args.connections);
    console::result(format!("\n{}", style(heading).bold()));
    for (target, rate) in TARGETS.iter().zip(rates) {
        let (name, ratio) = (target.name(), rate / rates[1]);
        console::result(format!("  {name:<14}{rate:>9.0}{ratio:>8.2}"));
    }
    console::result(format!("\n{}", style("Size").bold()));
    for (name, bytes, idle, peak) in [
        ("task-api", api_bytes, idle[0], peak),
        ("task-worker", worker_bytes, idle[1], idle[1]),
    ] {
        let mib = bytes >> 20;
        console::result(format!(
            "  {name:<14}{mib:>4} MiB binary{idle:>6} MiB idle{peak:>6} MiB at most"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}
