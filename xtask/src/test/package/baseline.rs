//! The public API of the last release, and whether a version may differ from it.
//!
//! What is gone or different is found by its line. That leaves out additions that break others: a variant of an enum that others match in
//! full, a method that others have to implement. These are for a reviewer, who sees them in the diff of the golden file.

use anyhow::{Context as _, Result, ensure};
use harness::workspace;
use semver::Version;

use super::GOLDEN;
use crate::git;
use crate::version::next::{breaking, may_break};

/// How many lines an error shows.
const SHOWN: usize = 10;

/// Refuses a version that takes something away from users of the last release without saying so by its number. The version of that
/// release itself is what the workspace has until the next one: then this only says what the next has to be.
pub(crate) async fn accept(version: &Version) -> Result<String> {
    let Some(last) = last(version).await? else {
        return Ok("nothing to compare with yet".to_owned());
    };
    let Ok(old) = git::ask(&["show", &format!("v{last}:{GOLDEN}")]).await else {
        return Ok(format!("nothing to compare with in {last}"));
    };
    let new = std::fs::read_to_string(workspace().join(GOLDEN)).context(GOLDEN)?;
    judge(&last, version, &gone(&old, &new))
}

/// The newest release that is not newer than `version`.
async fn last(version: &Version) -> Result<Option<Version>> {
    let tags = git::ask(&["tag", "--list", "v*"]).await?;
    Ok(newest(&tags, version))
}

fn newest(tags: &str, version: &Version) -> Option<Version> {
    let tags = tags.lines().filter_map(|tag| tag.strip_prefix('v'));
    let versions = tags.filter_map(|tag| Version::parse(tag).ok());
    let released = versions.filter(|it| it.pre.is_empty() && it <= version);
    released.max()
}

/// What users of the old API no longer find.
fn gone<'a>(old: &'a str, new: &str) -> Vec<&'a str> {
    let new: Vec<_> = new.lines().collect();
    let old = old.lines().filter(|line| !line.is_empty());
    old.filter(|line| !new.contains(line)).collect()
}

fn judge(last: &Version, version: &Version, gone: &[&str]) -> Result<String> {
    if gone.is_empty() {
        return Ok(format!("all of {last} is there"));
    }
    let (count, needed) = (gone.len(), breaking(last));
    if version == last {
        return Ok(format!(
            "{count} of {last} gone or different: the next version is at least {needed}"
        ));
    }
    let shown = &gone[..count.min(SHOWN)];
    ensure!(
        may_break(last, version),
        "{version} breaks users of {last}, in which dapr-pubsub had {count} public items that are gone or different: choose {needed} or a later version, or bring them back\n  {}",
        shown.join("\n  ")
    );
    Ok(format!(
        "{count} of {last} gone or different, as {version} may"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_release_is_neither_newer_nor_a_prerelease() {
        let tags = "v0.1.0\nv0.2.0\nv0.3.0-rc.1\nv0.3.0\nv1.0.0\nvelocity";
        let newest = |version: &str| newest(tags, &Version::parse(version).unwrap());
        assert_eq!(newest("0.3.0-rc.2"), Some(Version::new(0, 2, 0)));
        assert_eq!(newest("0.3.1"), Some(Version::new(0, 3, 0)));
        assert_eq!(newest("0.0.9"), None);
    }

    #[test]
    fn what_is_gone_needs_a_version_that_may_break() {
        let (old, new) = (
            "pub fn a()\npub fn b(u8)\n",
            "pub fn a()\npub fn b(u16)\npub fn c()\n",
        );
        assert_eq!(gone(old, new), ["pub fn b(u8)"]);
        assert!(gone(old, old).is_empty());
        let (last, gone) = (Version::new(0, 2, 0), gone(old, new));
        let judge = |version: &str| {
            let version = Version::parse(version).unwrap();
            judge(&last, &version, &gone).map_err(|error| error.to_string())
        };
        let said = judge("0.2.1").unwrap_err();
        assert!(said.starts_with("0.2.1 breaks users of 0.2.0"), "{said}");
        assert!(
            said.ends_with("choose 0.3.0 or a later version, or bring them back\n  pub fn b(u8)"),
            "{said}"
        );
        assert!(
            judge("0.2.0")
                .unwrap()
                .contains("the next version is at least 0.3.0")
        );
        assert!(judge("0.3.0").is_ok() && judge("0.3.0-rc.1").is_ok());
    }
}
