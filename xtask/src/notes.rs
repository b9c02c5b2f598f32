//! `cargo xtask notes`: what is told of a release.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use harness::workspace;

use crate::changelog::{self, UNRELEASED};
use crate::{promote, version};
use harness::console;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The version to tell of; without it the workspace's.
    #[arg(long, value_name = "X.Y.Z")]
    version: Option<String>,
    /// Tells of what is not released yet.
    #[arg(long, conflicts_with = "version")]
    unreleased: bool,
    /// Where the chart is pulled from; without it the registry of the environment `dev`.
    #[arg(long, value_name = "HOST/PATH")]
    registry: Option<String>,
}

#[allow(clippy::unused_async, reason = "commands are asynchronous")]
pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    let version = match &args.version {
        Some(version) => version::next::parse(version)?,
        None => version::present()?,
    };
    let version = version.to_string();
    let log = std::fs::read_to_string(workspace().join(changelog::FILE));
    let log = log.context(changelog::FILE)?;
    let registry = match &args.registry {
        Some(registry) => registry.trim_end_matches('/').to_owned(),
        None => promote::registry_of_dev()?,
    };
    let section = if args.unreleased {
        UNRELEASED
    } else {
        &version
    };
    console::result(notes(&log, section, &version, &registry)?);
    Ok(ExitCode::SUCCESS)
}

fn notes(log: &str, section: &str, version: &str, registry: &str) -> Result<String> {
    let told = changelog::told(log, section)?.body;
    Ok(format!(
        "{told}

### Install

```console
$ helm upgrade --install task-pubsub oci://{registry}/charts/task-pubsub --version {version}
```

The chart names its images by digest, and all of them are signed; \"Verify a release\" in README.md has the commands that verify them."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_changed_and_how_to_install() {
        let log = "# Changelog\n\n## Unreleased\n\n## 0.3.0 - 2026-01-02\n\n### Fixed\n- It.\n\n## 0.2.0\n\n### Added\n- That.\n";
        let text = notes(log, "0.3.0", "0.3.0", "host/path").unwrap();
        assert!(
            text.starts_with("### Fixed\n- It.\n\n### Install\n"),
            "{text}"
        );
        assert!(text.contains("oci://host/path/charts/task-pubsub --version 0.3.0"));
        assert!(!text.contains("That"));
        let said = notes(log, UNRELEASED, "0.3.0", "x")
            .unwrap_err()
            .to_string();
        assert!(said.contains("has no entry"), "{said}");
    }
}
