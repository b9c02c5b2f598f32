//! Reads and cuts `CHANGELOG.md`: the sections of versions, and the entries in them.

use anyhow::{Context as _, Result, bail, ensure};

/// From the workspace's root.
pub(crate) const FILE: &str = "CHANGELOG.md";

/// What is not released yet.
pub(crate) const UNRELEASED: &str = "Unreleased";

/// The words of Keep a Changelog.
const KINDS: [&str; 6] = [
    "Added",
    "Changed",
    "Deprecated",
    "Removed",
    "Fixed",
    "Security",
];

/// What is told of one version, or of what comes next.
#[derive(Debug, PartialEq)]
pub(crate) struct Section<'a> {
    /// `Unreleased`, or the version.
    pub(crate) name: &'a str,
    /// As it is written: year, month, day.
    pub(crate) date: Option<&'a str>,
    /// Everything below the title, without blank lines around it.
    pub(crate) body: &'a str,
}

/// One line of the list, however many lines it takes.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry<'a> {
    /// One of [`KINDS`].
    pub(crate) kind: &'a str,
    /// On one line.
    pub(crate) text: String,
}

/// The sections, in the file's order.
pub(crate) fn sections(text: &str) -> Vec<Section<'_>> {
    let parts = text.split("\n## ").skip(1);
    parts.map(section).collect()
}

fn section(part: &str) -> Section<'_> {
    let (title, body) = part.split_once('\n').unwrap_or((part, ""));
    let (name, date) = match title.trim().split_once(" - ") {
        Some((name, date)) => (name, Some(date.trim())),
        None => (title.trim(), None),
    };
    Section {
        name: name.trim().trim_matches(['[', ']']),
        date,
        body: body.trim(),
    }
}

/// The section of that name, which tells something.
pub(crate) fn told<'a>(text: &'a str, name: &str) -> Result<Section<'a>> {
    let found = sections(text).into_iter().find(|it| it.name == name);
    let section = found.with_context(|| {
        format!("{FILE} has no section `## {name}`: write one, or name a version that has")
    })?;
    ensure!(
        !entries(section.body)?.is_empty(),
        "the section `## {name}` of {FILE} has no entry: write what has changed, as `- ...` below `### Added`"
    );
    Ok(section)
}

/// What a section lists, by kind.
pub(crate) fn entries(body: &str) -> Result<Vec<Entry<'_>>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut kind = None;
    for line in body.lines().map(str::trim_end) {
        if let Some(title) = line.strip_prefix("### ") {
            if !KINDS.contains(&title) {
                bail!(
                    "{FILE}: `### {title}` is none of {}: use one of these",
                    KINDS.join(", ")
                );
            }
            kind = Some(title);
        } else if let Some(text) = line.strip_prefix("- ") {
            let kind = kind.with_context(|| {
                format!(
                    "{FILE}: `{line}` is below no kind of change: put it below `### Added`, say"
                )
            })?;
            let text = text.trim().to_owned();
            entries.push(Entry { kind, text });
        } else if let (Some(entry), false) = (entries.last_mut(), line.is_empty()) {
            entry.text.push(' ');
            entry.text.push_str(line.trim());
        }
    }
    Ok(entries)
}

/// The text with what was unreleased under `version`, and nothing unreleased.
pub(crate) fn cut(text: &str, version: &str, date: &str) -> Result<String> {
    told(text, UNRELEASED)?;
    ensure!(
        sections(text).iter().all(|section| section.name != version),
        "{FILE} has a section `## {version}` already: choose a version that was not released"
    );
    let title = format!("\n## {UNRELEASED}\n");
    ensure!(
        text.contains(&title),
        "{FILE}: the title of what is not released has to be `## {UNRELEASED}`, and nothing else"
    );
    Ok(text.replacen(&title, &format!("{title}\n## {version} - {date}\n"), 1))
}

/// The first sentence of an entry: what comes after explains it.
pub(crate) fn first_sentence(text: &str) -> &str {
    let ends = text.match_indices(". ").map(|(index, _)| index + 1);
    let mut ends = ends.filter(|end| {
        let (before, after) = text.split_at(*end);
        // Not inside of code, and not after an abbreviation.
        before.matches('`').count() % 2 == 0
            && after
                .trim_start()
                .starts_with(|it: char| it.is_uppercase() || it == '`')
    });
    ends.next().map_or(text, |end| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Changelog\n\nWords.\n\n## Unreleased\n\n### Added\n- One thing. It is new,\n  and good.\n- `a. B` too\n\n### Fixed\n- Two\n\n## 0.1.0 - 2026-01-02\n\n### Added\n- All\n";

    #[test]
    fn reads_sections_and_entries() {
        let sections = sections(TEXT);
        let names: Vec<_> = sections.iter().map(|it| (it.name, it.date)).collect();
        assert_eq!(names, [("Unreleased", None), ("0.1.0", Some("2026-01-02"))]);
        let entries = entries(sections[0].body).unwrap();
        let said: Vec<_> = entries
            .iter()
            .map(|it| (it.kind, it.text.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                ("Added", "One thing. It is new, and good."),
                ("Added", "`a. B` too"),
                ("Fixed", "Two")
            ]
        );
        assert_eq!(first_sentence(said[0].1), "One thing.");
        assert_eq!(first_sentence(said[1].1), "`a. B` too");
        assert_eq!(
            first_sentence("By Helm, e.g. in CI. Then"),
            "By Helm, e.g. in CI."
        );
    }

    #[test]
    fn what_was_unreleased_becomes_a_version() {
        let cut = cut(TEXT, "0.2.0", "2026-03-04").unwrap();
        assert!(
            cut.contains("\n## Unreleased\n\n## 0.2.0 - 2026-03-04\n\n### Added\n- One thing.")
        );
        assert_eq!(sections(&cut)[0].body, "");
        assert_eq!(sections(&cut)[1].body, sections(TEXT)[0].body);
        assert_eq!(sections(&cut)[2], sections(TEXT)[1]);
    }

    #[test]
    fn refuses_what_tells_nothing() {
        let said = |result: Result<String>| result.unwrap_err().to_string();
        let twice = said(cut(TEXT, "0.1.0", "2026-03-04"));
        assert!(twice.contains("`## 0.1.0` already"), "{twice}");
        let empty = cut(TEXT, "0.2.0", "2026-03-04").unwrap();
        let empty = said(cut(&empty, "0.3.0", "2026-03-05"));
        assert!(
            empty.contains("`## Unreleased` of CHANGELOG.md has no entry"),
            "{empty}"
        );
        let missing = told(TEXT, "9.9.9").unwrap_err().to_string();
        assert!(missing.contains("no section `## 9.9.9`"), "{missing}");
        let kind = entries("### New\n- x").unwrap_err().to_string();
        assert!(kind.contains("`### New` is none of Added"), "{kind}");
        assert!(entries("- x").is_err());
    }
}
