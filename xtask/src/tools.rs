//! Programs and sources of others: found on this machine, or installed once into a per-user cache by their package client.
//!
//! | module | holds |
//! |---|---|
//! | [`table`] | every tool: which version, how it is recognised, what installs it |
//! | [`find`] | the search: PATH and usual folders, the cache |
//! | [`install`] | one function per package client |
//! | [`cache`] | the cache's folders, and the lock on them |
//! | [`list`] | `cargo xtask tools` |

mod cache;
mod find;
mod install;
mod list;
mod table;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use harness::console;

pub(crate) use self::{
    find::on_path,
    list::{Args, run},
    table::{Tool, all, recipe},
};

/// A tool that is there.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The program, or the folder for what is not a program.
    pub(crate) path: PathBuf,
    /// What it says of itself, or the pinned version.
    pub(crate) version: String,
    /// path, cache or installed.
    pub(crate) origin: &'static str,
}

/// Tools that are there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tools(BTreeMap<Tool, Found>);

/// Finds the tools, and installs those that are missing. The error of a tool that cannot be installed ends with one line that says what to
/// do by hand.
pub(crate) async fn ensure(wanted: &[Tool]) -> Result<Tools> {
    let (mut tools, missing) = look(wanted).await?;
    if missing.is_empty() {
        return Ok(tools);
    }
    let root = cache::root()?;
    let _lock = cache::lock(&root).await?;
    for tool in missing {
        // Whoever held the lock before may have installed it.
        let found = match find::find(recipe(tool), &root).await {
            Ok(found) => found,
            Err(remarks) => {
                if !remarks.is_empty() {
                    console::note(remarks.trim_start_matches('\n'));
                }
                install::install(recipe(tool), &root).await?
            }
        };
        tools.0.insert(tool, found);
    }
    Ok(tools)
}

/// Those that are there, and those that are not.
pub(crate) async fn look(wanted: &[Tool]) -> Result<(Tools, Vec<Tool>)> {
    let root = cache::root()?;
    let (mut tools, mut missing) = (Tools::default(), Vec::new());
    for &tool in wanted {
        match find::find(recipe(tool), &root).await {
            Ok(found) => drop(tools.0.insert(tool, found)),
            Err(_) => missing.push(tool),
        }
    }
    Ok((tools, missing))
}

impl Found {
    fn new(path: PathBuf, version: String, origin: &'static str) -> Self {
        Self {
            path,
            version,
            origin,
        }
    }
}

impl Tools {
    /// The path of a tool that was ensured.
    pub(crate) fn path(&self, tool: &str) -> Result<&Path> {
        let found = self.0.get(tool);
        let found = found.with_context(|| format!("{tool} was not ensured"))?;
        Ok(&found.path)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Tool, &Found)> {
        self.0.iter()
    }

    /// `helm 3.22.0, daprd 1.18.3`.
    pub(crate) fn versions(&self) -> String {
        let version =
            |(tool, found): (&Tool, &Found)| format!("{} {}", recipe(tool).name, found.version);
        self.0.iter().map(version).collect::<Vec<_>>().join(", ")
    }
}
