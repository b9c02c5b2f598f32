//! `cargo xtask bench`: what a user gets from our code, and what it costs, against other ways to do the same in the same run.

mod broker_client;
mod end_to_end;
mod figures;
mod generator;
mod growth;
mod http;
mod plot;
mod programs;
mod publishing;
mod soak;
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
use target::Target;
use usage::Processes;

/// How events are published, by names in JSON and in tables. `defaults`: with Dapr's default settings of the component.
const ROWS: [(&str, &str); 9] = [
    ("post_tasks", "POST /tasks"),
    ("sidecar_grpc", "daprd gRPC, one by one"),
    ("post_tasks_defaults", "POST /tasks, defaults"),
    ("sidecar_grpc_defaults", "daprd gRPC, defaults"),
    ("sidecar_http", "daprd HTTP"),
    ("sidecar_bulk", "daprd gRPC, bulk"),
    ("broker_client", "the broker's own client"),
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
    /// Measures instead how the cost of an event grows with its size, and with the records that the inbox keeps.
    #[arg(long)]
    growth: bool,
    /// Measures instead whether memory stays as it is: so many minutes at half of the rate that the stack can do.
    #[arg(long, value_name = "MINUTES", conflicts_with = "growth", value_parser = clap::value_parser!(u64).range(1..))]
    soak: Option<u64>,
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

/// What became of all tasks that were acknowledged.
#[derive(Debug, Default, Clone, Copy)]
struct Counted {
    lost: usize,
    doubled: usize,
}

impl std::ops::AddAssign for Counted {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.doubled += other.doubled;
    }
}

/// A stack with these values.
async fn start(args: &Args, toolbox: &Toolbox, values: Value) -> Result<Stack> {
    let mut options = StackOptions::new(toolbox.clone());
    args.broker.clone_into(&mut options.broker);
    options.values = values;
    Stack::start(options).await
}

/// Measures, and prints or writes what came of it.
pub async fn run(args: &Args) -> Result<ExitCode> {
    let (toolbox, mut figures) = (Toolbox::read()?, Figures::default());
    let (name, counted) = match args.soak {
        Some(minutes) => (
            "soak",
            soak::measure(args, minutes, &toolbox, &mut figures).await?,
        ),
        None if args.growth => (
            "growth",
            growth::measure(args, &toolbox, &mut figures).await?,
        ),
        None => ("bench", compare(args, &toolbox, &mut figures).await?),
    };
    let Counted { lost, doubled } = counted;
    if lost + doubled > 0 {
        console::note("Events were lost, or had more than one effect: there are no figures.");
        console::result(json!({"lost": lost, "doubled": doubled}));
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
        "processors": std::thread::available_parallelism()?, "lost": lost, "doubled": doubled,
    });
    let json = match name {
        "bench" => figures.json(about, &toolbox)?,
        _ => figures.medians(about),
    };
    report(args, name, &figures, &json)?;
    Ok(ExitCode::SUCCESS)
}

/// All ways to publish, and the way from a request to its effect.
async fn compare(args: &Args, toolbox: &Toolbox, figures: &mut Figures) -> Result<Counted> {
    let step = Step::start("start");
    let mut stack = start(args, toolbox, json!({})).await?;
    step.done(&args.broker);
    let processes = Processes::of(&stack, &[&stack.api, &stack.worker]);
    for (process, (_, mib)) in processes.look() {
        figures.add(format!("idle_mib.{process}"), mib);
    }
    publishing::measure(args, &mut stack, toolbox, figures).await?;
    if let Some(peak) = stack.api.service()?.process().peak_memory_mib() {
        figures.add("task_api_peak_mib", f64::from(u32::try_from(peak)?));
    }
    stack.shutdown().await?;

    let mut all = Counted::default();
    for round in 1..=args.rounds {
        let wanted = END_TO_END.into_iter().filter(|(key, ..)| args.wants(key));
        for (key, name, store) in wanted {
            let step = Step::start(format!("round {round}: {name}"));
            // One of its own: nothing waits in it from before.
            let stack = start(args, toolbox, json!({"stateStore": {"type": store}})).await?;
            let target = Target::tasks(&stack.api.service()?.url());
            let (rate, mut counted) =
                end_to_end::measure(key, &stack, &target, args.load(), figures).await?;
            step.done(&format!("{rate:.0} a second"));
            // Without the inbox nothing is promised.
            if store == "none" {
                counted.doubled = 0;
            }
            all += counted;
            stack.shutdown().await?;
        }
    }
    Ok(all)
}

fn report(args: &Args, name: &str, figures: &Figures, json: &Value) -> Result<()> {
    let broker = &args.broker;
    let rows = END_TO_END.map(|(key, name, _)| (key, name));
    let rows = [&ROWS[..], &rows].concat();
    let tables = match name {
        "growth" => tables::growth(figures, &growth::ROWS),
        "soak" => tables::soak(figures),
        _ => tables::render(figures, &rows),
    };
    if let Some(folder) = &args.write {
        let mut files = vec![
            ("json", format!("{json:#}\n")),
            ("md", tables.trim_start().to_owned()),
        ];
        if name == "bench" {
            let title = format!("Events a second, {broker}");
            files.push(("svg", plot::svg(&title, figures, &rows)));
        }
        for (ending, text) in files {
            let file = folder.join(format!("{name}-{broker}.{ending}"));
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
