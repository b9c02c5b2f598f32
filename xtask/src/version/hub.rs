//! The annotations of `Chart.yaml` that Artifact Hub reads and that follow from the version and its changes.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use semver::Version;

use crate::changelog::{Entry, first_sentence};

const ANNOTATIONS: &str = "annotations:";

/// What a value of several lines begins with.
const BLOCK: &str = "|\n";

/// The text of `Chart.yaml` with what is told of a version and its entries. Other annotations stay as they are.
pub(super) fn annotate(chart: &str, version: &Version, entries: &[Entry<'_>]) -> Result<String> {
    let chart = prerelease(chart, version)?;
    let security = entries.iter().any(|entry| entry.kind == "Security");
    let security = format!("\"{security}\"\n");
    let chart = set(&chart, "artifacthub.io/containsSecurityUpdates", &security)?;
    set(&chart, "artifacthub.io/changes", &changes(entries))
}

/// The same for a version of which nothing is told yet.
pub(super) fn prerelease(chart: &str, version: &Version) -> Result<String> {
    let value = format!("\"{}\"\n", !version.pre.is_empty());
    set(chart, "artifacthub.io/prerelease", &value)
}

fn changes(entries: &[Entry<'_>]) -> String {
    let mut text = BLOCK.to_owned();
    for entry in entries {
        let kind = entry.kind.to_lowercase();
        // Whatever is in it, a string of JSON is one of YAML.
        let description = serde_json::Value::from(first_sentence(&entry.text));
        let _ = writeln!(text, "    - kind: {kind}\n      description: {description}");
    }
    text
}

/// Sets an annotation, in its place or at the end of all.
fn set(chart: &str, key: &str, value: &str) -> Result<String> {
    let lines: Vec<_> = chart.split_inclusive('\n').collect();
    let begin = lines.iter().position(|line| line.trim_end() == ANNOTATIONS);
    ensure!(
        begin.is_some(),
        "Chart.yaml has no line `{ANNOTATIONS}`: write it, with the annotations below"
    );
    let begin = begin.unwrap_or_default() + 1;
    let inside = lines[begin..]
        .iter()
        .take_while(|line| line.starts_with(' '));
    let end = begin + inside.count();
    let own = format!("  {key}:");
    let at = lines[begin..end]
        .iter()
        .position(|line| line.starts_with(&own));
    let at = at.map_or(end, |at| begin + at);
    let old = lines[at..end].iter().enumerate();
    let old = old.take_while(|(index, line)| *index == 0 || line.starts_with("   "));
    let after = at + old.count();
    let before = lines[..at].concat();
    let line_break = if before.ends_with('\n') { "" } else { "\n" };
    Ok(format!(
        "{before}{line_break}{own} {value}{}",
        lines[after..].concat()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHART: &str = "name: x\nannotations:\n  artifacthub.io/changes: |\n    - kind: fixed\n      description: \"Old.\"\n  artifacthub.io/license: Apache-2.0\n";

    fn entry(kind: &'static str, text: &str) -> Entry<'static> {
        let text = text.to_owned();
        Entry { kind, text }
    }

    #[test]
    fn changes_are_replaced_and_others_stay() {
        let entries = [
            entry("Added", "A `key: \"x\"`: new. It is good."),
            entry("Security", "Closed"),
        ];
        let version = Version::new(0, 3, 0);
        let text = annotate(CHART, &version, &entries).unwrap();
        assert_eq!(
            text,
            "name: x\nannotations:\n  artifacthub.io/changes: |\n    - kind: added\n      description: \"A `key: \\\"x\\\"`: new.\"\n    - kind: security\n      description: \"Closed\"\n  artifacthub.io/license: Apache-2.0\n  artifacthub.io/prerelease: \"false\"\n  artifacthub.io/containsSecurityUpdates: \"true\"\n"
        );
        assert_eq!(annotate(&text, &version, &entries).unwrap(), text);
        let read: serde_json::Value = serde_norway::from_str(&text).unwrap();
        let changes = read["annotations"]["artifacthub.io/changes"]
            .as_str()
            .unwrap();
        let changes: serde_json::Value = serde_norway::from_str(changes).unwrap();
        assert_eq!(changes[0]["description"], "A `key: \"x\"`: new.");
    }

    #[test]
    fn a_prerelease_is_called_one() {
        let version = Version::parse("0.3.0-rc.1").unwrap();
        let text = annotate(CHART, &version, &[]).unwrap();
        assert!(text.contains("prerelease: \"true\"\n"), "{text}");
        let said = prerelease("name: x\n", &version).unwrap_err().to_string();
        assert!(said.contains("no line `annotations:`"), "{said}");
    }
}
