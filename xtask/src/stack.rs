//! Commands that run the stack: it is built while its tools are found or installed, and takes over.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use harness::console::{self, Step, style};
use harness::toolbox::Toolbox;

use crate::cargo;
use crate::tools::{self, Tool, Tools};

/// What a stack with Redis needs.
const REDIS: [Tool; 3] = [Tool::Helm, Tool::Daprd, Tool::Redis];

/// How long the services and the stack take to build on two cores.
const BUILD_MINUTES: u64 = 3;

/// Handed on as they are; `--help` too.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<OsString>,
}

pub(crate) async fn run(command: &str, args: &Args) -> Result<ExitCode> {
    // The brokers that are named, which is all that these commands take beside flags and numbers.
    let named = args.args.iter().filter_map(|arg| arg.to_str());
    let named = named.map(|it| it.trim_start_matches("--broker="));
    let (purpose, brokers) = match command {
        "demo" => (
            "Tasks flow through Dapr, and the broker changes under load.",
            vec!["kafka"],
        ),
        "bench" => (
            "Tasks a second, and what each costs, against other ways to do the same.",
            named.collect(),
        ),
        _ => ("A stack to try things on.", named.collect()),
    };
    let release = command == "bench";
    let mut wanted = wanted(&brokers);
    let first = first_run(&wanted, release).await?;
    let purpose = style(purpose).bold().for_stderr();
    console::note(&format!("{purpose}{first}\n"));
    if release && !args.args.iter().any(|arg| arg == "--only") {
        // The tutorial's publisher is left out where its packages cannot be installed.
        match tools::ensure(of_broker("fastapi")).await {
            Ok(_) => wanted.extend(of_broker("fastapi")),
            Err(error) => console::note(&format!("no fastapi: {error:#}")),
        }
    }
    let ((), tools) = tokio::try_join!(cargo::build_stack(release, &[]), tools::ensure(&wanted))?;
    Step::start("tools").done(&tools.versions());
    toolbox(&tools, release)?.write()?;
    // In this process's place: a signal then reaches whom it is for.
    let error = Command::new(cargo::binaries(release).join("stack"))
        .arg(command)
        .args(&args.args)
        .exec();
    Err(error).context("the stack does not start")
}

/// What a first run does, and how long that takes; nothing when everything is there.
async fn first_run(wanted: &[Tool], release: bool) -> Result<String> {
    let (_, missing) = tools::look(wanted).await?;
    let mut minutes: u64 = missing.iter().map(|tool| tool.recipe().minutes).sum();
    let mut parts: Vec<_> = missing.iter().map(|tool| tool.recipe().title()).collect();
    if !cargo::binaries(release).join("stack").exists() {
        parts.insert(0, "the services".to_owned());
        minutes += BUILD_MINUTES;
    }
    if parts.is_empty() {
        return Ok(String::new());
    }
    Ok(format!(
        " Once, and about {} minutes on two cores: {} are built or installed.",
        minutes.max(1),
        parts.join(", ")
    ))
}

/// Leaves for tests where the tools of a stack with these brokers are, and what else scenarios need, and returns what they are. One that
/// cannot be had fails the scenarios that need it.
pub(crate) async fn tell_tests(brokers: &[&str]) -> Result<Vec<Tool>> {
    let mut there = Vec::new();
    for broker in brokers {
        match tools::ensure(of_broker(broker)).await {
            Ok(_) => there.push(*broker),
            Err(error) => console::note(&format!("no {broker}: {error:#}")),
        }
    }
    let wanted = wanted(&there);
    toolbox(&tools::ensure(&wanted).await?, false)?.write()?;
    Ok(wanted)
}

fn wanted(brokers: &[&str]) -> Vec<Tool> {
    let brokers = brokers.iter().flat_map(|entry| of_broker(entry));
    REDIS.iter().chain(brokers).copied().collect()
}

/// What the broker of an entry of `brokers` needs on top, or a scenario by this name; the program that it is started by comes first.
const NEEDS: [(&str, &[Tool]); 11] = [
    ("redis", &[Tool::Redis]),
    ("kafka", &[Tool::Java, Tool::Kafka]),
    ("rabbitmq", &[Tool::RabbitMq]),
    ("jetstream", &[Tool::NatsServer]),
    ("snssqs", &[Tool::Moto]),
    ("gcp", &[Tool::PubSubEmulator]),
    ("kafka-python", &[Tool::KafkaPython]),
    ("schemathesis", &[Tool::Schemathesis]),
    ("fastapi", &[Tool::Fastapi]),
    ("go", &[Tool::Go]),
    ("node", &[Tool::Node]),
];

fn of_broker(entry: &str) -> &'static [Tool] {
    let found = NEEDS.iter().find(|(name, _)| *name == entry);
    found.map_or(&[], |(_, tools)| tools)
}

/// As the local stack takes them; each broker when its tools were ensured.
fn toolbox(tools: &Tools, release: bool) -> Result<Toolbox> {
    let path = |tool| tools.path(tool).map(Path::to_owned);
    let programs = NEEDS.iter().filter_map(|(entry, needs)| {
        let program = path(needs[0]).ok()?;
        let program = match needs[0] {
            Tool::RabbitMq => program.with_file_name("rabbitmq-server"),
            _ => program,
        };
        Some(((*entry).to_owned(), program))
    });
    Ok(Toolbox {
        services: cargo::binaries(release),
        helm: path(Tool::Helm)?,
        daprd: path(Tool::Daprd)?,
        programs: programs.collect(),
        jars: path(Tool::Kafka).ok(),
    })
}
