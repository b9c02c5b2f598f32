//! `cargo xtask bench`: what a user gets from our code, and what it costs, against other ways to do the same in the same run.

mod end_to_end;
mod figures;
mod generator;
mod http;
mod plot;
mod programs;
mod publishing;
mod stub;
mod tables;
mod target;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::Toolbox;
use harness::console::{self, Step};
use local_stack::{Stack, StackOptions};
use serde_json::{Value, json};

use figures::Figures;
use generator::Load;
use usage::Processes;

/// How events are published, by names in JSON and in tables. `defaults`: with Dapr's default settings of the component.
const ROWS: [(&str, &str); 9] = [
    ("post_tasks", "POST /tasks"),
    ("sidecar_grpc", "daprd gRPC, one by one"),
    ("post_tasks_defaults", "POST /tasks, defaults"),
    ("sidecar_grpc_defaults", "daprd gRPC, defaults"),
    ("sidecar_http", "daprd HTTP"),
    ("sidecar_bulk", "daprd gRPC, bulk"),
    ("broker_client", "redis-benchmark"),
    ("fastapi", "the tutorial's FastAPI"),
    ("post_tasks_stub", "POST /tasks, stub"),
];

/// From `POST /tasks` to the effect, and the type of state store for the inbox.
const END_TO_END: [(&str, &str, &str); 2] = [
    ("end_to_end", "end to end", "redis"),
    ("end_to_end_without_inbox", "end to end, no inbox", "none"),
];

/// What is measured, and for how long.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The broker that carries the events.
    #[arg(long, default_value = "redis", value_parser = ["redis", "kafka"])]
    broker: String,
    /// Requests under way at once.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Requests a second where latency is measured.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Seconds for each target in each round.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// How often all targets are measured in turn; the medians count.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Measures only what has one of these words in its name in JSON: `--only post_tasks,latency`.
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    only: Vec<String>,
    /// Writes JSON, tables and a plot into this folder, too.
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
    /// Prints one line of JSON on standard output.
    #[arg(long)]
    json: bool,
}

impl Args {
    fn load(&self) -> Load {
        let (connections, duration) = (self.connections, Duration::from_secs(self.seconds));
        Load {
            connections,
            duration,
            rate: None,
        }
    }

    fn wants(&self, key: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| key.contains(word.as_str()))
    }
}

/// Measures, and prints or writes what came of it.
pub async fn run(args: &Args) -> Result<ExitCode> {
    let (toolbox, mut figures) = (Toolbox::read()?, Figures::default());
    let start = async |values| {
        let mut options = StackOptions::new(toolbox.clone());
        args.broker.clone_into(&mut options.broker);
        options.values = values;
        Stack::start(options).await
    };
    let step = Step::start("start");
    let mut stack = start(json!({})).await?;
    step.done(&args.broker);
    let processes = Processes::of(&stack, &[&stack.api, &stack.worker]);
    for (process, (_, mib)) in processes.look() {
        figures.add(format!("idle_mib.{process}"), mib);
    }
    publishing::measure(args, &mut stack, &toolbox, &mut figures).await?;
    let peak = stack.api.service()?.process().peak_memory_mib();
    stack.shutdown().await?;

    let (mut lost, mut doubled) = (0, 0);
    for round in 1..=args.rounds {
        let wanted = END_TO_END.into_iter().filter(|(key, ..)| args.wants(key));
        for (key, name, store) in wanted {
            let step = Step::start(format!("round {round}: {name}"));
            // One of its own: nothing waits in it from before.
            let stack = start(json!({"stateStore": {"type": store}})).await?;
            let counted = end_to_end::measure(key, &stack, args.load(), &mut figures).await?;
            step.done(&format!("{:.0} a second", counted.0));
            lost += counted.1;
            // Without the inbox nothing is promised.
            doubled += if store == "none" { 0 } else { counted.2 };
            stack.shutdown().await?;
        }
    }
    let counted = json!({"lost": lost, "doubled": doubled});
    if lost + doubled > 0 {
        console::note("Events were lost, or had more than one effect: there are no figures.");
        console::result(counted);
        return Ok(ExitCode::FAILURE);
    }
    let Args {
        broker,
        connections,
        rate,
        seconds,
        rounds,
        ..
    } = args;
    let about = json!({
        "broker": broker, "connections": connections, "rate": rate, "seconds": seconds, "rounds": rounds,
        "processors": std::thread::available_parallelism()?, "lost": lost, "doubled": doubled, "task_api_peak_mib": peak,
    });
    report(args, &figures, &figures.json(about, &toolbox)?)?;
    Ok(ExitCode::SUCCESS)
}

fn report(args: &Args, figures: &Figures, json: &Value) -> Result<()> {
    let broker = &args.broker;
    let rows = END_TO_END.map(|(key, name, _)| (key, name));
    let rows = [&ROWS[..], &rows].concat();
    let tables = tables::render(figures, &rows);
    if let Some(folder) = &args.write {
        let title = format!("Events a second, {broker}");
        for (ending, text) in [
            ("json", format!("{json:#}\n")),
            ("md", tables.trim_start().to_owned()),
            ("svg", plot::svg(&title, figures, &rows)),
        ] {
            let file = folder.join(format!("bench-{broker}.{ending}"));
            std::fs::write(&file, text).with_context(|| file.display().to_string())?;
        }
    }
    if args.json {
        console::note(&tables);
        console::result(json);
    } else {
        console::result(tables);
    }
    Ok(())
}
