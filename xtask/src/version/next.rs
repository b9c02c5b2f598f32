//! Which versions are accepted.

use anyhow::{Result, anyhow, ensure};
use semver::Version;

/// Reads a version that images, charts and crates can all carry.
pub(crate) fn parse(text: &str) -> Result<Version> {
    let version = Version::parse(text).map_err(|error| {
        anyhow!(
            "`{text}` is not a version ({error}): give three numbers, such as 1.2.3 or 1.2.3-rc.1"
        )
    })?;
    ensure!(
        version.build.is_empty(),
        "`{text}` has build metadata, which no image's tag can carry: leave out `+{}`",
        version.build
    );
    Ok(version)
}

/// Refuses a version that does not come after the present one.
pub(super) fn after(present: &Version, wanted: &Version) -> Result<()> {
    ensure!(
        wanted > present,
        "{wanted} does not come after {present}, the present version: choose a greater one"
    );
    Ok(())
}

/// The least version after `last` that may break those who use it: the next major one or, before 1.0, the next minor one.
pub(crate) fn breaking(last: &Version) -> Version {
    if last.major == 0 {
        Version::new(0, last.minor + 1, 0)
    } else {
        Version::new(last.major + 1, 0, 0)
    }
}

/// Whether `version` may break users of `last`. A prerelease of a version that may, may.
pub(crate) fn may_break(last: &Version, version: &Version) -> bool {
    let whole = Version::new(version.major, version.minor, version.patch);
    whole >= breaking(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        parse(text).unwrap()
    }

    #[test]
    fn refusals_name_the_value() {
        for text in ["1.2", "v1.2.3", "1.02.3", "", "latest"] {
            let said = parse(text).unwrap_err().to_string();
            assert!(
                said.starts_with(&format!("`{text}` is not a version")),
                "{said}"
            );
        }
        let said = parse("1.2.3+x").unwrap_err().to_string();
        assert!(said.contains("leave out `+x`"), "{said}");
    }

    #[test]
    fn only_forward() {
        let after = |present, wanted| after(&version(present), &version(wanted));
        assert!(after("0.2.0", "0.2.1").is_ok());
        assert!(after("0.3.0-rc.1", "0.3.0").is_ok());
        for wanted in ["0.2.0", "0.1.9", "0.2.0-rc.1"] {
            let said = after("0.2.0", wanted).unwrap_err().to_string();
            assert!(said.starts_with(&format!("{wanted} does not come after 0.2.0")));
        }
    }

    #[test]
    fn what_may_break() {
        let may = |last, wanted| may_break(&version(last), &version(wanted));
        assert!(may("0.2.3", "0.3.0") && may("0.2.3", "0.3.0-rc.1") && may("1.2.3", "2.0.0"));
        assert!(!may("0.2.3", "0.2.4") && !may("1.2.3", "1.3.0"));
    }
}
