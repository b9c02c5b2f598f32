//! The packed chart holds what users need and nothing else.

use anyhow::Result;
use harness::chart::folder;
use harness::workspace;
use tokio::process::Command;

use crate::installations::files;
use crate::tools::{output, tool};

const CONTENTS: [&str; 5] = [
    ".helmignore",
    "Chart.yaml",
    "README.md",
    "values.schema.json",
    "values.yaml",
];

#[test]
fn only_what_users_need_is_packed() -> Result<()> {
    let packed = workspace().join("target/package");
    let _ = std::fs::remove_dir_all(&packed);
    let mut package = Command::new(tool("helm3"));
    package.arg("package").arg(folder());
    output(package.arg("--destination").arg(&packed), "")?;
    let listed = output(Command::new("tar").arg("-tzf").args(files(&packed)?), "")?;
    let files = listed.lines();
    let files = files.map(|line| line.trim_start_matches("task-pubsub/"));
    let files = files.filter(|file| !file.starts_with("templates/"));
    let mut listed: Vec<_> = files.collect();
    listed.sort_unstable();
    assert_eq!(listed, CONTENTS, "see charts/task-pubsub/.helmignore");
    Ok(())
}
