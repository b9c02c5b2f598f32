//! Whether every place has the same version, and the changelog and the last release's chart fit it.

use std::path::Path;

use crate::version::PREVIOUS;
use anyhow::{Context as _, Result, bail, ensure};
use harness::workspace;
use semver::Version;

use super::places::{CHART_YAML, PLACES};
use super::{hub, next, present, read};
use crate::changelog::{self, Section, UNRELEASED};

/// Compares everything with the workspace's version. Says where it was found.
#[allow(clippy::unused_async, reason = "checks are asynchronous")]
pub(crate) async fn check() -> Result<String> {
    let present = present()?;
    let mut wrong = Vec::new();
    let mut places = 0;
    for place in &PLACES {
        let text = read(place.file)?;
        for found in place.read(&text)? {
            places += 1;
            if found != present.to_string() {
                wrong.push(format!("{}: {found}", place.file));
            }
        }
    }
    if !wrong.is_empty() {
        bail!(
            "{}\nthe workspace's version is {present}: write it there, or run `cargo xtask version`",
            wrong.join("\n")
        );
    }
    let log = read(changelog::FILE)?;
    let sections = changelog::sections(&log);
    let released = newest(&sections, &present)?;
    annotated(&present, released)?;
    previous(
        Path::new(PREVIOUS),
        &present,
        below(&sections, &present).as_ref(),
    )?;
    ensure!(
        workspace().join(PREVIOUS).is_file(),
        "{PREVIOUS} is not there: it is the chart of the previous release, by `helm package` from its tag"
    );
    let state = if released.is_some() {
        "released"
    } else {
        "not released"
    };
    Ok(format!("{present}, {state}, in {places} places"))
}

/// The section of the present version, which is the newest; none while it is not released.
fn newest<'a>(sections: &'a [Section<'a>], present: &Version) -> Result<Option<&'a Section<'a>>> {
    let file = changelog::FILE;
    let unreleased = sections.first();
    ensure!(
        unreleased.is_some_and(|section| section.name == UNRELEASED),
        "{file} does not begin with `## {UNRELEASED}`: write that title above all versions"
    );
    let Some(section) = sections.get(1) else {
        return Ok(None);
    };
    let version = next::parse(section.name).context(file)?;
    ensure!(
        version <= *present,
        "{file} tells of {version}, but the version is {present}: change it by `cargo xtask version`, which writes both"
    );
    let own = (version == *present).then_some(section);
    ensure!(
        own.is_none_or(|section| section.date.is_some()),
        "{file}: `## {version}` has no date: write `## {version} - YYYY-MM-DD`"
    );
    Ok(own)
}

/// The newest version that the changelog has below the present one.
fn below(sections: &[Section<'_>], present: &Version) -> Option<Version> {
    let versions = sections
        .iter()
        .filter_map(|it| Version::parse(it.name).ok());
    versions.filter(|version| version < present).max()
}

/// What Artifact Hub is told is what the changelog tells.
fn annotated(present: &Version, released: Option<&Section<'_>>) -> Result<()> {
    let chart = read(CHART_YAML)?;
    let expected = match released {
        Some(section) => hub::annotate(&chart, present, &changelog::entries(section.body)?)?,
        None => hub::prerelease(&chart, present)?,
    };
    ensure!(
        chart == expected,
        "{CHART_YAML}: the annotations of Artifact Hub are not what {} and the version {present} say; they have to be:\n{expected}",
        changelog::FILE
    );
    Ok(())
}

/// Upgrades are tested from the chart of the previous release.
fn previous(fixture: &Path, present: &Version, released: Option<&Version>) -> Result<()> {
    let name = fixture.file_stem().unwrap_or_default().to_string_lossy();
    let version = name.strip_prefix("task-pubsub-").unwrap_or_default();
    let version = next::parse(version).context("the name of the previous release's chart")?;
    ensure!(
        version <= *present,
        "{} is newer than {present}, the version to which it is upgraded",
        fixture.display()
    );
    if let Some(released) = released {
        ensure!(
            version >= *released,
            "upgrades are tested from {version}, but {released} has been released: put its chart (`helm package` from the tag v{released}) beside {} and name it in tests/e2e/src/cluster_scenarios/rolls.rs",
            fixture.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(name: &str) -> Section<'_> {
        Section {
            name,
            date: Some("2026-01-02"),
            body: "",
        }
    }

    #[test]
    fn the_present_version_is_the_newest_or_not_released() {
        let sections = [section(UNRELEASED), section("0.2.0"), section("0.1.0")];
        let newest = |present: &str| {
            let found = newest(&sections, &Version::parse(present).unwrap());
            found
                .map(|it| it.map(|it| it.name))
                .map_err(|error| error.to_string())
        };
        assert_eq!(newest("0.2.0"), Ok(Some("0.2.0")));
        assert_eq!(newest("0.3.0"), Ok(None));
        assert!(
            newest("0.1.0")
                .unwrap_err()
                .contains("tells of 0.2.0, but the version is 0.1.0")
        );
        let below = |present| below(&sections, &Version::parse(present).unwrap());
        assert_eq!(below("0.2.0"), Some(Version::new(0, 1, 0)));
        assert_eq!(below("0.1.0"), None);
    }

    #[test]
    fn upgrades_begin_at_the_previous_release() {
        let fixture = Path::new("fixtures/task-pubsub-0.1.0.tgz");
        let present = Version::new(0, 2, 0);
        let previous = |released: Option<Version>| previous(fixture, &present, released.as_ref());
        assert!(previous(None).is_ok() && previous(Some(Version::new(0, 1, 0))).is_ok());
        let said = previous(Some(Version::new(0, 1, 1)))
            .unwrap_err()
            .to_string();
        assert!(said.contains("but 0.1.1 has been released"), "{said}");
    }
}
