//! A service of one's own, out of `xtask/templates`: code, values for the chart, and tests, which pass at once.

mod files;
mod names;

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use harness::{console, workspace};
use tokio::process::Command;

/// Writes a service in services/, with its values for the chart and its tests.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also the name of its app-id, its image and its Deployment.
    name: String,
    /// Keys of topics, as in `topics` of the chart's values, separated by commas. It publishes `<key>.created`: what `POST /<key>s` creates or,
    /// when it also subscribes, what follows from the events that it hears.
    #[arg(long, value_delimiter = ',')]
    publishes: Vec<String>,
    /// Keys of the topics that it hears.
    #[arg(long, value_delimiter = ',')]
    subscribes: Vec<String>,
    /// Where it listens.
    #[arg(long, default_value_t = 8005)]
    port: u16,
}

pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    let name = &args.name;
    let lock = std::fs::read_to_string(workspace().join("Cargo.lock"))?;
    names::check(args, &lock)?;
    let folder = workspace().join("services").join(name);
    ensure!(
        !folder.exists(),
        "NAME `{name}`: {} is there already",
        folder.display()
    );
    for (path, text) in files::files(args)? {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().context("no folder")?)?;
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    if args.subscribes.is_empty() {
        // Its `openapi.json` holds the version.
        let path = workspace().join("xtask/release.toml");
        let more = include_str!("../templates/release.toml").replace("__name__", name);
        std::fs::write(&path, std::fs::read_to_string(&path)? + &more)?;
    }
    for line in ["fmt", "test --quiet"] {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(line.split(' ')).args(["--package", name]);
        command.env("UPDATE_GOLDEN", "1").current_dir(workspace());
        let ended = command.kill_on_drop(true).status().await?;
        ensure!(ended.success(), "cargo {line} --package {name} failed");
    }
    console::result(format!(
        "services/{name} is there, and its tests pass. For the chart: --values services/{name}/values.yaml\n\
         `cargo xtask chart` puts it into docs/asyncapi.json"
    ));
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::Args;

    pub(super) fn args(name: &str, publishes: &[&str], subscribes: &[&str]) -> Args {
        let owned = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect();
        Args {
            name: name.to_owned(),
            publishes: owned(publishes),
            subscribes: owned(subscribes),
            port: 8005,
        }
    }
}
