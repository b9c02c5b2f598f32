//! The commands of README's "Verify a release", as they stand there: what users are told to run is what runs here.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use harness::workspace;

/// The section's shell blocks, in this order.
#[derive(Debug)]
pub(super) struct Commands {
    /// Whom to trust: sets `REGISTRY` and `TRUST` from `REPOSITORY` and `VERSION`.
    pub(super) trust: String,
    /// The verification, by its steps.
    pub(super) verify: Vec<Step>,
    /// What comes after it: the installation and its test.
    pub(super) install: Vec<Step>,
}

/// Commands under a comment that says what they show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) shows: String,
    pub(super) commands: String,
}

impl Commands {
    pub(super) fn read() -> Result<Self> {
        let readme = fs::read_to_string(workspace().join("README.md"))?;
        Self::of(&readme).context("README.md, \"Verify a release\"")
    }

    fn of(readme: &str) -> Result<Self> {
        let section = readme.split("\n## Verify a release\n").nth(1);
        let section = section.context("there is no such section")?;
        let section = section.split("\n## ").next().unwrap_or_default();
        let blocks: Vec<_> = section
            .split("```sh\n")
            .skip(1)
            .filter_map(|rest| rest.split("```").next())
            .collect();
        // The first one is for readers to fill in.
        let [_, trust, verify, install] = blocks[..] else {
            anyhow::bail!("has {} blocks of `sh`, not 4", blocks.len());
        };
        Ok(Self {
            trust: trust.to_owned(),
            verify: steps(verify)?,
            install: steps(install)?,
        })
    }
}

/// A step begins with a comment at the beginning of a line.
fn steps(block: &str) -> Result<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        if let Some(shows) = line.strip_prefix("# ") {
            steps.push(Step {
                shows: shows.to_owned(),
                commands: String::new(),
            });
            continue;
        }
        let step = steps.last_mut();
        let step = step.with_context(|| format!("no comment says what `{line}` shows"))?;
        step.commands.push_str(line);
        step.commands.push('\n');
    }
    ensure!(!steps.is_empty(), "a block without a step");
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_a_comment_and_its_commands() {
        let steps =
            steps("# One\na\nb\n\n# Two\nfor x in y; do # not a step\n  # nor this\ndone\n")
                .unwrap();
        assert_eq!(steps[0].shows, "One");
        assert_eq!(steps[0].commands, "a\nb\n\n");
        assert_eq!(steps[1].commands.lines().count(), 3);
        assert!(super::steps("a\n").is_err());
    }

    #[test]
    fn readme_has_them() {
        let commands = Commands::read().unwrap();
        assert!(commands.trust.contains("TRUST="));
        assert!(commands.verify.len() > 3);
    }
}
