//! `.github/`: workflows and scripts as actionlint, zizmor and shellcheck want them.

use std::path::PathBuf;

use anyhow::Result;
use harness::workspace;
use tokio::process::Command;

use super::reading::read;
use crate::tools;

pub(super) async fn workflows() -> Result<String> {
    let tools = tools::ensure(&["actionlint", "zizmor", "shellcheck"]).await?;
    let shellcheck = tools.path("shellcheck")?;
    let mut actionlint = Command::new(tools.path("actionlint")?);
    // There is no Python in workflows, and a pyflakes that happens to be there must make no difference.
    actionlint
        .args(["-no-color", "-pyflakes=", "-shellcheck"])
        .arg(shellcheck);
    read(&mut actionlint).await?;
    let mut zizmor = Command::new(tools.path("zizmor")?);
    // The network would tell of new advisories, and the check would depend on the day.
    zizmor.args([
        "--offline",
        "--no-progress",
        "--color=never",
        "--persona=pedantic",
        ".github",
    ]);
    read(&mut zizmor).await?;
    let scripts = scripts()?;
    let mut command = Command::new(shellcheck);
    command.args(&scripts);
    read(&mut command).await?;
    Ok(format!("{} scripts", scripts.len()))
}

/// What workflows call, and CI.
fn scripts() -> Result<Vec<PathBuf>> {
    let mut scripts = vec![workspace().join(".ci/run")];
    for script in std::fs::read_dir(workspace().join(".github/scripts"))? {
        scripts.push(script?.path());
    }
    Ok(scripts)
}
