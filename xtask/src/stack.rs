//! Commands that run the stack: it is built while its tools are found or installed, and takes over.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use harness::console::{self, Step, style};
use harness::toolbox::{BROKERS, STACK};
use harness::{Toolbox, chart::items};
use serde_json::Value;

use crate::cargo;
use crate::tools::{self, Tool, Tools, recipe};

/// What a stack with Redis needs.
const REDIS: [Tool; 3] = ["helm", "daprd", "redis"];

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
        // What is compared with is left out where it cannot be installed.
        let kafka = wanted.contains(&"kafka").then_some("kafka-tools");
        wanted.extend(available(["fastapi"].into_iter().chain(kafka)).await);
    }
    let ((), tools) = tokio::try_join!(cargo::build_stack(release, &[]), tools::ensure(&wanted))?;
    Step::start("tools").done(&tools.versions());
    toolbox(&tools, release).write(STACK)?;
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
    let mut minutes: u64 = missing.iter().map(|tool| recipe(tool).minutes).sum();
    let mut parts: Vec<_> = missing.iter().map(|tool| recipe(tool).title()).collect();
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
pub(crate) async fn tell_tests(needs: impl IntoIterator<Item = &str>) -> Result<Vec<Tool>> {
    let wanted = wanted(&available(needs).await);
    toolbox(&tools::ensure(&wanted).await?, false).write(STACK)?;
    Ok(wanted)
}

/// Those whose tools are there, or could be installed; of the others it says why not.
async fn available<'a>(needs: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut there = Vec::new();
    for need in needs {
        match tools::ensure(&of(need)).await {
            Ok(_) => there.push(need),
            Err(error) => console::note(&format!("no {need}: {error:#}")),
        }
    }
    there
}

fn wanted(needs: &[&str]) -> Vec<Tool> {
    let needs = needs.iter().flat_map(|need| of(need));
    REDIS.into_iter().chain(needs).collect()
}

/// The tools of a broker, or the tool of this name; none of what is neither.
fn of(need: &str) -> Vec<Tool> {
    let broker = BROKERS.get(need).map(|it| items(&it["tools"]));
    let tools = broker.map(|it| it.filter_map(Value::as_str).collect());
    let tools: Vec<_> = tools.unwrap_or_else(|| vec![need]);
    tools::all().filter(|tool| tools.contains(tool)).collect()
}

/// As tests and stacks take them.
pub(crate) fn toolbox(tools: &Tools, release: bool) -> Toolbox {
    let paths = tools.iter();
    let paths = paths.map(|(tool, found)| ((*tool).to_owned(), found.path.clone()));
    Toolbox {
        services: cargo::binaries(release),
        programs: paths.collect(),
    }
}
