//! Where the version is written, file by file. Each place is found in the text, so that the rest of the file stays as it is.

use std::ops::Range;

use anyhow::{Result, ensure};

/// A file that carries the version.
#[derive(Debug)]
pub(super) struct Place {
    /// From the workspace's root.
    pub(super) file: &'static str,
    /// What is looked for, for the sentence that says that it is not there.
    what: &'static str,
    /// Whether a line, without its indentation, carries the version; and what stands before and after it.
    frame: fn(&Line<'_>) -> Option<(&'static str, &'static str)>,
    /// How many lines at least.
    least: usize,
}

/// What is known of a line when it is looked at.
#[derive(Debug)]
struct Line<'a> {
    text: &'a str,
    /// The last line before it that begins a part of the file: `[workspace.package]`, or the name of a package.
    part: &'a str,
}

pub(super) const CARGO_TOML: &str = "Cargo.toml";
pub(super) const CHART_YAML: &str = "charts/task-pubsub/Chart.yaml";

pub(super) const PLACES: [Place; 5] = [
    Place {
        file: CARGO_TOML,
        what: "`version = \"...\"` below `[workspace.package]`",
        frame: |line| match line.part {
            "[workspace.package]" if line.text.starts_with("version = ") => Some(("\"", "\"")),
            "[workspace.dependencies]" if line.text.contains("{ path = ") => {
                Some(("version = \"", "\""))
            }
            _ => None,
        },
        least: 1,
    },
    Place {
        file: "Cargo.lock",
        what: "packages of the workspace",
        // Only a package that comes from elsewhere has a source.
        frame: |line| {
            let ours = line.part == "[[package]]" && line.text.starts_with("version = ");
            ours.then_some(("\"", "\""))
        },
        least: 1,
    },
    Place {
        file: CHART_YAML,
        what: "`version: ...` and `appVersion: \"...\"`",
        frame: |line| match line.text.split_once(": ") {
            Some(("version", _)) => Some(("version: ", "")),
            Some(("appVersion", _)) => Some(("\"", "\"")),
            // Of `artifacthub.io/images`.
            Some(("image", _)) => Some((":", "")),
            _ => None,
        },
        least: 2,
    },
    Place {
        file: "charts/task-pubsub/ci/probe.yaml",
        what: "`image: {tag: \"...\"}`",
        frame: |line| {
            line.text
                .starts_with("image: {tag: ")
                .then_some(("\"", "\""))
        },
        least: 1,
    },
    Place {
        file: "services/task-api/openapi.json",
        what: "`\"version\": \"...\"` of `info`",
        frame: |line| {
            line.text
                .starts_with("\"version\": \"")
                .then_some((": \"", "\""))
        },
        least: 1,
    },
];

impl Place {
    /// The versions that the text carries.
    pub(super) fn read<'a>(&self, text: &'a str) -> Result<Vec<&'a str>> {
        let found = self.find(text)?;
        Ok(found.into_iter().map(|range| &text[range]).collect())
    }

    /// The text with another version.
    pub(super) fn write(&self, text: &str, version: &str) -> Result<String> {
        let mut written = text.to_owned();
        for range in self.find(text)?.into_iter().rev() {
            written.replace_range(range, version);
        }
        Ok(written)
    }

    fn find(&self, text: &str) -> Result<Vec<Range<usize>>> {
        let mut found = Vec::new();
        let mut part = "";
        let mut start = 0;
        for whole in text.split_inclusive('\n') {
            let line = whole.trim_end();
            if line.starts_with('[') {
                part = if line == "[[package]]" && is_foreign(&text[start..]) {
                    ""
                } else {
                    line
                };
            }
            let text = line.trim_start_matches([' ', '-']);
            if let Some((before, after)) = (self.frame)(&Line { text, part }) {
                found.extend(
                    between(line, before, after).map(|it| start + it.start..start + it.end),
                );
            }
            start += whole.len();
        }
        ensure!(
            found.len() >= self.least,
            "{}: there is no {}; write it, or tell xtask/src/version/places.rs where the version is now",
            self.file,
            self.what
        );
        Ok(found)
    }
}

/// Whether the package of Cargo.lock that begins here comes from elsewhere.
fn is_foreign(rest: &str) -> bool {
    let package = rest.split("\n\n").next().unwrap_or_default();
    package.contains("\nsource = ")
}

/// What stands in a line after the last `before` that leaves room for `after`.
fn between(line: &str, before: &str, after: &str) -> Option<Range<usize>> {
    let end = if after.is_empty() {
        line.len()
    } else {
        line.rfind(after)?
    };
    let start = line[..end].rfind(before)? + before.len();
    Some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(file: &str) -> &'static Place {
        PLACES.iter().find(|place| place.file == file).unwrap()
    }

    #[track_caller]
    fn replaces(file: &str, text: &str, expected: &str) {
        let place = of(file);
        assert_eq!(place.write(text, "0.3.0").unwrap(), expected);
        assert!(place.read(text).unwrap().iter().all(|it| *it == "0.2.0"));
    }

    #[test]
    fn manifests_keep_the_versions_of_others() {
        replaces(
            CARGO_TOML,
            "[workspace.package]\nversion = \"0.2.0\"\nrust-version = \"1.95\"\n[workspace.dependencies]\na = { path = \"a\", version = \"0.2.0\" }\nb = { path = \"b\" }\nc = { version = \"0.2\", x = \"y\" }\n",
            "[workspace.package]\nversion = \"0.3.0\"\nrust-version = \"1.95\"\n[workspace.dependencies]\na = { path = \"a\", version = \"0.3.0\" }\nb = { path = \"b\" }\nc = { version = \"0.2\", x = \"y\" }\n",
        );
        replaces(
            "Cargo.lock",
            "version = 4\n\n[[package]]\nname = \"ours\"\nversion = \"0.2.0\"\n\n[[package]]\nname = \"other\"\nversion = \"0.2.1\"\nsource = \"registry\"\n",
            "version = 4\n\n[[package]]\nname = \"ours\"\nversion = \"0.3.0\"\n\n[[package]]\nname = \"other\"\nversion = \"0.2.1\"\nsource = \"registry\"\n",
        );
    }

    #[test]
    fn the_chart_keeps_the_versions_of_kubernetes() {
        replaces(
            CHART_YAML,
            "apiVersion: v2\nversion: 0.2.0\nappVersion: \"0.2.0\"\nkubeVersion: \">=1.29.0-0\"\n  x: |\n    - name: a\n      image: host:5000/a:0.2.0\n",
            "apiVersion: v2\nversion: 0.3.0\nappVersion: \"0.3.0\"\nkubeVersion: \">=1.29.0-0\"\n  x: |\n    - name: a\n      image: host:5000/a:0.3.0\n",
        );
        replaces(
            "charts/task-pubsub/ci/probe.yaml",
            "probe:\n  image: {tag: \"0.2.0\"}\n",
            "probe:\n  image: {tag: \"0.3.0\"}\n",
        );
        replaces(
            "services/task-api/openapi.json",
            "{\n  \"info\": {\n    \"version\": \"0.2.0\"\n  }\n}\n",
            "{\n  \"info\": {\n    \"version\": \"0.3.0\"\n  }\n}\n",
        );
    }

    #[test]
    fn a_place_that_is_gone_is_named() {
        for place in &PLACES {
            let said = place.write("nothing\n", "0.3.0").unwrap_err().to_string();
            assert!(
                said.starts_with(&format!("{}: there is no ", place.file)),
                "{said}"
            );
        }
    }
}
