//! `README.md`, by helm-docs: the prose of `README.md.gotmpl`, with the table of `values.yaml`.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Result, ensure};
use tokio::process::Command;

use super::files::folder;

pub(super) async fn generate(helm_docs: &Path) -> Result<String> {
    let output = Command::new(helm_docs)
        .arg("--chart-search-root")
        .arg(folder())
        .args(["--dry-run", "--log-level", "warning"])
        .args(["--sort-values-order", "file"])
        .args(["--template-files", "README.md.gotmpl"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    // It goes on after an error, and exits with 0.
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && said.is_empty(), "{said}");
    let text = String::from_utf8(output.stdout)?;
    Ok(format!("{}\n", text.trim()))
}
