//! Where a pinned version stands beside `pins.yaml`, because somebody else reads it there: rustup, Argo CD, people.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use harness::workspace;

use super::pin;

/// Text of a file that ends with a version.
#[derive(Debug)]
pub(super) struct Place {
    version: &'static str,
    /// What stands before the version, as often as it does.
    before: &'static str,
    /// From the workspace's folder; of a folder, every file in it.
    path: &'static str,
}

/// All of them.
pub(super) const ALL: [Place; 5] = [
    place(pin("rust"), "channel = \"", "rust-toolchain.toml"),
    place(pin("dapr"), "targetRevision: ", "argocd/dapr.yaml"),
    place(pin("dapr"), "daprd ", "GUARANTEES.md"),
    place(
        pin("components-contrib"),
        "components-contrib ",
        "charts/task-pubsub/templates/lib",
    ),
    place(pin("argo-cd"), "/argo-cd/v", "argocd/README.md"),
];

const fn place(version: &'static str, before: &'static str, path: &'static str) -> Place {
    Place {
        version,
        before,
        path,
    }
}

/// What is to be changed, a line each.
pub(super) fn stale() -> Result<Vec<String>> {
    let mut stale = Vec::new();
    for place in &ALL {
        let mut found = false;
        for (path, text) in place.files()? {
            for version in versions(&text, place.before) {
                found = true;
                if version != place.version {
                    let (before, pinned) = (place.before, place.version);
                    stale.push(format!(
                        "{}: `{before}{version}`, not {pinned}",
                        path.display()
                    ));
                }
            }
        }
        // A place that is gone would otherwise be checked for ever without a word.
        ensure!(found, "{}: no `{}VERSION` in it", place.path, place.before);
    }
    Ok(stale)
}

/// Writes them. Says how many files have changed.
pub(super) fn write() -> Result<String> {
    let mut changed = 0;
    for place in &ALL {
        for (path, text) in place.files()? {
            let new = replaced(&text, place.before, place.version);
            if new != text {
                fs::write(&path, new).with_context(|| path.display().to_string())?;
                changed += 1;
            }
        }
    }
    Ok(format!("{changed} files changed"))
}

impl Place {
    fn files(&self) -> Result<Vec<(PathBuf, String)>> {
        let path = workspace().join(self.path);
        let mut paths = vec![path.clone()];
        if path.is_dir() {
            let entries = fs::read_dir(&path)?;
            paths = entries
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<_>>()?;
            paths.sort();
        }
        let read = |path: PathBuf| {
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            Ok((path, text))
        };
        paths.into_iter().map(read).collect()
    }
}

/// The versions that follow `before` in a text. What follows it and is none, as in prose, is left alone.
fn versions<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    let ends = text
        .match_indices(before)
        .map(move |(at, _)| at + before.len());
    ends.map(|end| version(&text[end..]))
        .filter(|version| !version.is_empty())
}

fn replaced(text: &str, before: &str, version: &str) -> String {
    let mut parts = text.split(before);
    let mut new = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let old = self::version(part);
        new.push_str(before);
        new.push_str(if old.is_empty() { "" } else { version });
        new.push_str(&part[old.len()..]);
    }
    new
}

/// The three numbers that a text begins with; empty when it does not.
fn version(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.'));
    let version = text[..end.unwrap_or(text.len())].trim_end_matches('.');
    if version.split('.').count() == 3 {
        version
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_replaced_and_prose_is_not() {
        let text = "daprd 1.18.2 with daprd 1.18 and daprd itself, daprd 1.17.0.";
        let new = replaced(text, "daprd ", "1.19.1");
        assert_eq!(
            new,
            "daprd 1.19.1 with daprd 1.18 and daprd itself, daprd 1.19.1."
        );
        let found: Vec<_> = versions(text, "daprd ").collect();
        assert_eq!(found, ["1.18.2", "1.17.0"]);
    }
}
