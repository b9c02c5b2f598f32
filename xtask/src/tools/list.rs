//! `cargo xtask tools`.

use std::process::ExitCode;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use harness::{console, toolbox::BROKERS};
use serde_json::{Value, json};

use super::{Tool, Tools, all, ensure, look, recipe};
use crate::stack;

/// Options of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these tools; all of them by default.
    #[arg(value_parser = PossibleValuesParser::new(all()))]
    tools: Vec<String>,
    /// Installs what is missing; without it, only looks.
    #[arg(long)]
    install: bool,
    /// Installs what is missing of a stack with every broker, and tells `cargo test` where it is.
    #[arg(long, conflicts_with_all = ["tools", "install"])]
    stack: bool,
    /// Prints one line of JSON: `[{"name", "version", "origin", "path"}]`; `origin` is path, cache, installed or missing.
    #[arg(long)]
    json: bool,
}

/// Lists the tools. Exit code 1 when one is missing.
pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    let wanted = match &args.tools[..] {
        [] if args.stack => stack::tell_tests(BROKERS.keys().map(String::as_str)).await?,
        [] => all().collect(),
        tools => all()
            .filter(|tool| tools.iter().any(|it| it == tool))
            .collect(),
    };
    let tools = if args.install {
        ensure(&wanted).await?
    } else {
        look(&wanted).await?.0
    };
    let rows: Vec<_> = wanted.iter().map(|tool| row(tool, &tools)).collect();
    if args.json {
        console::result(Value::from_iter(rows));
    } else {
        for row in &rows {
            let cell = |name: &str| row[name].as_str().unwrap_or_default();
            let [name, version, origin] = ["name", "version", "origin"].map(cell);
            console::result(format!(
                "{name:26} {version:16} {origin:9} {}",
                cell("path")
            ));
        }
    }
    let complete = wanted.iter().all(|tool| tools.path(tool).is_ok());
    Ok(ExitCode::from(u8::from(!complete)))
}

fn row(tool: Tool, tools: &Tools) -> Value {
    let recipe = recipe(tool);
    let (version, origin, path) = match tools.0.get(tool) {
        Some(it) => (it.version.clone(), it.origin, Some(&it.path)),
        None => (recipe.version(), "missing", None),
    };
    json!({"name": recipe.name, "version": version, "origin": origin, "path": path})
}
