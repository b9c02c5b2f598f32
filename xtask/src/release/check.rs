//! What must be so before anything is built: the tag is the version's, the tree is the commit, the changelog tells of it, and the
//! library builds from its package.

use anyhow::{Context as _, Result, ensure};
use harness::workspace;

use crate::image::source::Source;
use crate::test::package;
use crate::{changelog, version};
use harness::console::Step;

/// Everything, for a tag that is to be released.
pub(super) async fn whole(source: &Source, tag: Option<&str>) -> Result<()> {
    check(source, tag)?;
    let step = Step::start("version");
    step.done(&version::check().await?);
    let step = Step::start("changelog");
    let log = std::fs::read_to_string(workspace().join(changelog::FILE))?;
    let section = tag.map_or(changelog::UNRELEASED, |_| source.version.as_str());
    let told = changelog::told(&log, section);
    let told = told.context("the notes of a release are its section of CHANGELOG.md")?;
    step.done(told.name);
    let step = Step::start("package");
    package::builds_by_itself().await?;
    step.done("builds by itself");
    Ok(())
}

/// Holds the sources against the tag, if there is one.
pub(super) fn check(source: &Source, tag: Option<&str>) -> Result<()> {
    let version = &source.version;
    if let Some(tag) = tag {
        ensure!(
            tag == format!("v{version}"),
            "the tag is {tag} and the workspace's version is {version}: they must be `v{version}` and `{version}`. \
             `cargo xtask version` changes the version; a tag that was pushed is never moved, a new one is made"
        );
    }
    ensure!(
        !source.revision.ends_with("-dirty"),
        "the tree is dirty: a release is made of a commit and nothing else. `git status` shows what is not committed"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(revision: &str) -> Source {
        Source {
            version: "1.2.3".to_owned(),
            revision: revision.to_owned(),
            epoch: "0".to_owned(),
            created: "1970-01-01T00:00:00Z".to_owned(),
            url: String::new(),
            services: Vec::new(),
        }
    }

    #[test]
    fn a_tag_must_be_the_version_s() {
        assert!(check(&source("abc"), Some("v1.2.3")).is_ok());
        assert!(check(&source("abc"), None).is_ok());
        for tag in ["1.2.3", "v1.2.4", "v1.2.3-rc.1", ""] {
            let error = check(&source("abc"), Some(tag)).unwrap_err().to_string();
            assert!(error.contains("must be `v1.2.3`"), "{error}");
        }
    }

    #[test]
    fn a_dirty_tree_is_no_release() {
        let error = check(&source("abc-dirty"), None).unwrap_err().to_string();
        assert!(error.starts_with("the tree is dirty"), "{error}");
    }
}
