//! The chart's own unit tests: what each template must render, and what it must not.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use tokio::process::Command;

use super::folder;
use crate::test::report::Outcome;
use crate::tools::{self, Tool};

/// What is read of a suite.
#[derive(Debug, Deserialize)]
struct Suite {
    templates: Vec<String>,
}

pub(super) async fn check() -> Result<Outcome> {
    let untested = untested(&folder())?;
    ensure!(
        untested.is_empty(),
        "no suite in tests/ names {untested:?}: nothing would notice when they render something else"
    );
    let tools = tools::ensure(&[Tool::HelmUnittest]).await?;
    let output = Command::new(tools.path(Tool::HelmUnittest)?)
        .arg("--strict")
        .arg(folder())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{}", failures(&said));
    let passed = passed(&said).with_context(|| format!("helm-unittest counts nothing:\n{said}"))?;
    Ok(Outcome {
        passed,
        figures: format!("{passed} tests"),
    })
}

/// The templates that no suite names. Those in `lib` render nothing by themselves.
fn untested(chart: &Path) -> Result<Vec<String>> {
    let mut tested = BTreeSet::new();
    for file in std::fs::read_dir(chart.join("tests"))? {
        let path = file?.path();
        if !path.to_string_lossy().ends_with("_test.yaml") {
            continue;
        }
        let suite: Suite = serde_norway::from_str(&std::fs::read_to_string(&path)?)
            .with_context(|| path.display().to_string())?;
        tested.extend(suite.templates);
    }
    let templates = chart.join("templates");
    let mut all = BTreeSet::new();
    collect(&templates, &templates, &mut all)?;
    for name in &tested {
        if !all.contains(name) {
            bail!("a suite in tests/ is about {name}, which is no template");
        }
    }
    Ok(all.difference(&tested).cloned().collect())
}

fn collect(root: &Path, folder: &Path, found: &mut BTreeSet<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, found)?;
        } else if path.extension().is_some_and(|it| it != "tpl") {
            let name = path.strip_prefix(root)?.to_string_lossy();
            found.insert(name.into_owned());
        }
    }
    Ok(())
}

/// The suites that failed, without the list of those that passed.
fn failures(said: &str) -> String {
    let lines = said.lines().filter(|line| !line.starts_with(" PASS"));
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// The count in `Tests:       98 passed, 98 total`.
fn passed(said: &str) -> Option<usize> {
    let line = said.lines().find_map(|line| line.strip_prefix("Tests:"))?;
    let count = line
        .split(',')
        .find_map(|part| part.trim().strip_suffix(" passed"))?;
    count.parse().ok().filter(|count| *count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_count_and_only_a_real_one() {
        assert_eq!(passed("Tests:       98 passed, 98 total\n"), Some(98));
        assert_eq!(
            passed("Tests:       1 failed, 2 passed, 3 total\n"),
            Some(2)
        );
        assert_eq!(passed("Tests:       0 passed, 0 total\n"), None);
    }
}
