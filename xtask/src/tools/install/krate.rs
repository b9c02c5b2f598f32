//! Programs from crates.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::{LIMIT, needs};
use crate::{
    console::Step,
    tools::{cache::Lock, command::Work, table::Declaration},
};

/// `cargo install --locked <name>@<version>`.
pub(super) async fn install(
    declaration: &Declaration,
    lock: &Lock,
    step: &Step,
) -> Result<PathBuf> {
    needs("cargo", "Rust")?;
    let draft = lock.draft(declaration)?;
    let root = draft.to_string_lossy();
    let target = draft.join("target");
    let krate = format!("{}@{}", declaration.name, declaration.version);
    let line = ["cargo", "install", "--locked", "--root", &root, &krate];
    Work::new(&draft, &line)
        .env("CARGO_TARGET_DIR", target.to_string_lossy())
        .run(&lock.log(declaration)?, LIMIT, step)
        .await?;
    fs::remove_dir_all(target)?;
    let program = format!("bin/{}", declaration.name);
    Ok(lock.publish(&draft, declaration)?.join(program))
}
