//! `cargo xtask tools`.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use super::{
    Origin,
    cache::Cache,
    ensure, find,
    table::{TABLE, Tool},
};
use harness::console;

/// Options of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these tools; all of them by default.
    tools: Vec<Tool>,
    /// Installs what is missing; without it, only looks.
    #[arg(long)]
    install: bool,
    /// Prints one line of JSON: `[{"name", "version", "origin", "path"}]`; `origin` is path, cache, installed or missing.
    #[arg(long)]
    json: bool,
}

/// One line of the list.
struct Row {
    name: &'static str,
    version: String,
    origin: Option<Origin>,
    path: String,
}

/// Lists the tools. Exit code 1 when one is missing.
pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    let mut wanted = args.tools.clone();
    if wanted.is_empty() {
        wanted = TABLE.iter().map(|declaration| declaration.tool).collect();
    }
    let rows = if args.install {
        installed(&wanted).await?
    } else {
        looked_up(&wanted).await?
    };
    let complete = rows.iter().all(|row| row.origin.is_some());
    console::result(if args.json {
        json_line(&rows)
    } else {
        table(&rows)
    });
    Ok(ExitCode::from(u8::from(!complete)))
}

async fn installed(wanted: &[Tool]) -> Result<Vec<Row>> {
    let tools = ensure(wanted).await?;
    Ok(tools
        .iter()
        .map(|(tool, found)| row(tool, Some(found)))
        .collect())
}

async fn looked_up(wanted: &[Tool]) -> Result<Vec<Row>> {
    let cache = Cache::open()?;
    let mut rows = Vec::new();
    for &tool in wanted {
        let found = find::find(tool, &cache).await;
        rows.push(row(tool, found.as_ref()));
    }
    Ok(rows)
}

fn row(tool: Tool, found: Option<&super::Found>) -> Row {
    let declaration = tool.declaration();
    match found {
        Some(found) => Row {
            name: declaration.name,
            version: found.version.clone(),
            origin: Some(found.origin),
            path: found.path.display().to_string(),
        },
        None => Row {
            name: declaration.name,
            version: declaration.version.to_owned(),
            origin: None,
            path: String::new(),
        },
    }
}

fn json_line(rows: &[Row]) -> String {
    let row = |row: &Row| {
        let (name, version) = (row.name, &row.version);
        match row.origin {
            Some(origin) => {
                json!({"name": name, "version": version, "origin": origin, "path": row.path})
            }
            None => json!({"name": name, "version": version, "origin": "missing", "path": null}),
        }
    };
    rows.iter().map(row).collect::<Value>().to_string()
}

fn table(rows: &[Row]) -> String {
    let origin = |row: &Row| match row.origin {
        Some(Origin::Path) => "PATH",
        Some(Origin::Cache) => "cache",
        Some(Origin::Installed) => "installed",
        None => "missing",
    };
    let cells = rows
        .iter()
        .map(|row| [row.name, &row.version, origin(row), &row.path]);
    let lines: Vec<[&str; 4]> = [["tool", "version", "origin", "path"]]
        .into_iter()
        .chain(cells)
        .collect();
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].len())
            .max()
            .unwrap_or(0)
    };
    let [name, version, from] = [width(0), width(1), width(2)];
    let aligned = lines.iter().map(|line| {
        let [a, b, c, d] = line;
        format!("{a:name$}  {b:version$}  {c:from$}  {d}")
            .trim_end()
            .to_owned()
    });
    aligned.collect::<Vec<_>>().join("\n")
}
