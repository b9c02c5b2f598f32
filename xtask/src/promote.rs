//! `cargo xtask promote`: brings a release to the first environment of Argo CD, or what one environment has to the next.
//!
//! | module | holds |
//! |---|---|
//! | [`order`] | which environment comes after which |
//! | [`release`] | the file that a release leaves |
//! | [`environment`] | images in the values of an environment, changed as text |
//! | [`body`] | what the pull request tells |
//!
//! Standard output is one line for a workflow, `changed=true` or `changed=false`; people's text goes to standard error.

mod body;
mod environment;
mod order;
mod release;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use harness::workspace;

use crate::{chart, git};
use environment::Deployed;
use harness::console;
use order::Environment;
use release::Release;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file that a release leaves, with the digests of its images.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "from",
        conflicts_with = "from"
    )]
    release: Option<PathBuf>,
    /// The environment whose images are taken.
    #[arg(long, value_enum)]
    from: Option<Environment>,
    /// The environment that gets them.
    #[arg(long, value_enum)]
    to: Environment,
    /// Where the text for a pull request is written, in Markdown.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
}

/// A promotion, before anything is written.
#[derive(Debug)]
struct Promotion {
    to: Environment,
    /// What the environment has.
    old: Deployed,
    /// What it gets.
    new: Deployed,
    /// The commit of what it gets, where it is known.
    revision: Option<String>,
}

pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    order::check(args.from, args.to)?;
    let (new, revision) = match (&args.release, args.from) {
        (Some(file), _) => {
            let release = Release::read(file)?;
            (release.deployed()?, Some(release.revision().to_owned()))
        }
        (None, Some(from)) => {
            let new = deployed(from)?;
            new.is_fixed(from.name())?;
            let revision = revision(new.version()).await;
            (new, revision)
        }
        (None, None) => anyhow::bail!("give --release FILE or --from ENVIRONMENT"),
    };
    let promotion = Promotion {
        to: args.to,
        old: deployed(args.to)?,
        new,
        revision,
    };
    if promotion.old == promotion.new {
        let (to, version) = (promotion.to.name(), promotion.new.version());
        console::note(&format!(
            "{to} has {version} already, with the same digests"
        ));
        console::result("changed=false");
        return Ok(ExitCode::SUCCESS);
    }
    promote(&promotion, args.body.as_deref()).await?;
    console::result("changed=true");
    Ok(ExitCode::SUCCESS)
}

/// The registry that development pulls from.
pub(crate) fn registry_of_dev() -> Result<String> {
    Ok(deployed(Environment::Dev)?.registry)
}

async fn promote(promotion: &Promotion, body: Option<&Path>) -> Result<()> {
    let name = promotion.to.name();
    let values = file(promotion.to);
    let old = read(&values)?;
    let new = promotion.new.write(&old, &values)?;
    let (golden, before) = chart::rendered_environment(name).await?;
    write(&values, &new)?;
    let after = chart::rendered_environment(name).await;
    // Values that do not render are not left behind.
    if after.is_err() {
        write(&values, &old)?;
    }
    let (_, after) = after.context("nothing was changed")?;
    let golden = chart::files::folder().join(golden);
    std::fs::write(&golden, &after).with_context(|| golden.display().to_string())?;
    if let Some(body) = body {
        let diff = difference(name, &before, &after).await?;
        let text = body::text(promotion, &diff);
        std::fs::write(body, text).with_context(|| body.display().to_string())?;
    }
    console::note(&format!(
        "{name}: {} -> {}, in {values}",
        promotion.old.version(),
        promotion.new.version()
    ));
    Ok(())
}

/// The diff of two renderings, with the environment's name in its head.
async fn difference(name: &str, before: &str, after: &str) -> Result<String> {
    let folder = workspace().join("target/promote");
    let path = |side: &str| folder.join(side).join(format!("{name}.yaml"));
    for (side, text) in [("before", before), ("after", after)] {
        let path = path(side);
        std::fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    let diff = git::difference(&path("before"), &path("after")).await?;
    Ok(body::without_folder(&diff, &folder.to_string_lossy()))
}

/// The commit of a release, where its tag is known here.
async fn revision(version: &str) -> Option<String> {
    let tag = format!("refs/tags/v{version}^{{commit}}");
    git::ask(&["rev-parse", "--verify", "--quiet", &tag])
        .await
        .ok()
}

fn deployed(environment: Environment) -> Result<Deployed> {
    let file = file(environment);
    Deployed::read(&read(&file)?, &file)
}

/// From the workspace's root.
fn file(environment: Environment) -> String {
    format!("argocd/environments/{}/values.yaml", environment.name())
}

fn read(file: &str) -> Result<String> {
    std::fs::read_to_string(workspace().join(file)).with_context(|| file.to_owned())
}

fn write(file: &str, text: &str) -> Result<()> {
    std::fs::write(workspace().join(file), text).with_context(|| file.to_owned())
}
