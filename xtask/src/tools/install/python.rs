//! Python packages, each in an environment of its own.

use std::path::PathBuf;

use anyhow::Result;

use super::{LIMIT, needs};
use crate::{
    console::Step,
    tools::{cache::Lock, command::Work, table::Declaration},
};

/// `pip install <package>==<version>...` into a new environment. Gives the path of the program in it.
pub(super) async fn install(
    declaration: &Declaration,
    packages: &[(&str, &str)],
    program: &str,
    lock: &Lock,
    step: &Step,
) -> Result<PathBuf> {
    needs("python3", "Python")?;
    let draft = lock.draft(declaration)?;
    let log = lock.log(declaration)?;
    let environment = draft.to_string_lossy().into_owned();
    let create = ["python3", "-m", "venv", &environment];
    Work::new(&draft, &create).run(&log, LIMIT, step).await?;
    let python = draft.join("bin/python").to_string_lossy().into_owned();
    let packages: Vec<_> = packages
        .iter()
        .map(|(package, version)| format!("{package}=={version}"))
        .collect();
    let pip = [
        &python,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
    ];
    let line: Vec<_> = pip
        .into_iter()
        .chain(packages.iter().map(String::as_str))
        .collect();
    Work::new(&draft, &line).run(&log, LIMIT, step).await?;
    Ok(lock.publish(&draft, declaration)?.join(program))
}
