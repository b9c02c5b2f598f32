//! `cargo xtask chart`: writes what is derived in the chart, or says what is not up to date.
//!
//! | module | holds |
//! |---|---|
//! | [`files`] | where the chart's files are, and how its values are read |
//! | [`documented`] | the documentation in `values.yaml` |
//! | [`schema`] | `values.schema.json`, from `schema/` and `values.yaml` |
//! | [`annotate`] | a key's place in the schema |
//! | [`readme`] | `README.md`, from `README.md.gotmpl` and `values.yaml` |
//! | [`golden`] | `golden/`: what the examples render |
//! | [`definitions`] | where upstream's CRDs are |
//! | [`server_side`] | what a real API server says of the examples |

pub(crate) mod annotate;
pub(crate) mod definitions;
pub(crate) mod documented;
pub(crate) mod files;
mod golden;
mod readme;
mod schema;
mod server_side;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::tools::{self, Tool};
use files::folder;
use harness::console;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only compares, and fails when a file is not what would be written.
    #[arg(long)]
    check: bool,
    /// Instead has the API server that KUBECONFIG names judge every example and every environment of Argo CD, without creating them.
    #[arg(long, conflicts_with = "check")]
    server_side: bool,
}

/// A file of the chart that nobody edits.
struct Generated {
    /// From the chart's folder.
    path: PathBuf,
    text: String,
}

pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    if args.server_side {
        console::result(server_side::check().await?);
    } else if args.check {
        console::result(check().await?);
    } else {
        console::result(regenerate().await?);
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes every generated file anew. Says how many have changed.
pub(crate) async fn regenerate() -> Result<String> {
    write(&generate().await?)
}

/// Holds every generated file against what would be written now. Says how many there are.
pub(crate) async fn check() -> Result<String> {
    let files = generate().await?;
    let mut stale = Vec::new();
    for file in &files {
        let there = std::fs::read_to_string(folder().join(&file.path)).unwrap_or_default();
        if let Some(difference) = first_difference(&there, &file.text) {
            stale.push(format!("{}, {difference}", file.path.display()));
        }
    }
    for path in abandoned(&files)? {
        stale.push(format!("{}: nothing makes this file", path.display()));
    }
    if !stale.is_empty() {
        bail!(
            "{}\nnot up to date: run `cargo xtask chart`",
            stale.join("\n")
        );
    }
    Ok(format!("{} files", files.len()))
}

/// Everything that is derived. A part that is already wrong is not written over.
async fn generate() -> Result<Vec<Generated>> {
    let tools = tools::ensure(&[Tool::Helm, Tool::HelmDocs]).await?;
    let schema = schema::generate(&folder()).context("values.schema.json")?;
    let mut files = vec![
        Generated {
            path: "values.schema.json".into(),
            text: schema,
        },
        Generated {
            path: "README.md".into(),
            text: readme::generate(tools.path(Tool::HelmDocs)?)
                .await
                .context("README.md")?,
        },
    ];
    files.extend(golden::generate(tools.path(Tool::Helm)?).await?);
    Ok(files)
}

/// Writes what has changed, and removes what nothing makes any more.
fn write(files: &[Generated]) -> Result<String> {
    for path in abandoned(files)? {
        std::fs::remove_file(folder().join(&path))?;
        console::note(&format!("removed {}", path.display()));
    }
    let mut changed = 0;
    for file in files {
        let path = folder().join(&file.path);
        if std::fs::read_to_string(&path).is_ok_and(|there| there == file.text) {
            continue;
        }
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, &file.text).with_context(|| path.display().to_string())?;
        console::note(&format!("wrote {}", file.path.display()));
        changed += 1;
    }
    Ok(format!("{changed} of {} files changed", files.len()))
}

/// Files in `golden/` whose example is gone.
fn abandoned(files: &[Generated]) -> Result<Vec<PathBuf>> {
    let made: BTreeSet<_> = files.iter().map(|file| file.path.as_path()).collect();
    let Ok(there) = std::fs::read_dir(folder().join(golden::FOLDER)) else {
        return Ok(Vec::new());
    };
    let mut abandoned = Vec::new();
    for entry in there {
        let path = Path::new(golden::FOLDER).join(entry?.file_name());
        if !made.contains(path.as_path()) {
            abandoned.push(path);
        }
    }
    abandoned.sort();
    Ok(abandoned)
}

/// The first line that is not the same, and both sides of it.
pub(crate) fn first_difference(there: &str, made: &str) -> Option<String> {
    let (mut old, mut new) = (there.lines(), made.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (old.next(), new.next()) {
            (None, None) if there == made => return None,
            (Some(old), Some(new)) if old == new => {}
            (old, new) => {
                let side = |line: Option<&str>| line.unwrap_or("(end of file)").to_owned();
                return Some(format!(
                    "line {number}:\n  there: {}\n  would be: {}",
                    side(old),
                    side(new)
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_first_line_that_differs() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        let said = first_difference("a\nb\nc\n", "a\nx\ny\n").unwrap();
        assert_eq!(said, "line 2:\n  there: b\n  would be: x");
        let said = first_difference("a\n", "a\nb\n").unwrap();
        assert_eq!(said, "line 2:\n  there: (end of file)\n  would be: b");
        assert!(first_difference("a", "a\n").is_some());
    }
}
