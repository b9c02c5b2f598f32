//! Which environment comes after which: an image is seen in each before it comes to the next.

use anyhow::{Result, bail};

/// An environment of Argo CD, in the order in which images come to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Environment {
    Dev,
    Staging,
    Production,
}

const ORDER: [Environment; 3] = [
    Environment::Dev,
    Environment::Staging,
    Environment::Production,
];

impl Environment {
    /// That of its folder.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    fn before(self) -> Option<Self> {
        let before = ORDER.iter().take_while(|it| **it != self);
        before.last().copied()
    }
}

/// Refuses to leave one out. Without `from` it is a release that is promoted.
pub(super) fn check(from: Option<Environment>, to: Environment) -> Result<()> {
    let expected = to.before();
    if from == expected {
        return Ok(());
    }
    let given = from.map_or("a release".to_owned(), |it| it.name().to_owned());
    let (to, option) = match expected {
        Some(expected) => (to.name(), format!("--from {}", expected.name())),
        None => (to.name(), "--release FILE".to_owned()),
    };
    let names = ORDER.map(Environment::name).join(", ");
    bail!(
        "{given} cannot be promoted to {to}: the order is a release, {names}, and none is left out; use {option} --to {to}"
    )
}

#[cfg(test)]
mod tests {
    use super::Environment::{Dev, Production, Staging};
    use super::*;

    #[test]
    fn only_to_the_next() {
        for (from, to) in [
            (None, Dev),
            (Some(Dev), Staging),
            (Some(Staging), Production),
        ] {
            assert!(check(from, to).is_ok(), "{from:?} to {to:?}");
        }
        for (from, to, said) in [
            (
                None,
                Production,
                "a release cannot be promoted to production",
            ),
            (None, Staging, "use --from dev --to staging"),
            (Some(Dev), Production, "use --from staging --to production"),
            (Some(Staging), Dev, "use --release FILE --to dev"),
            (Some(Dev), Dev, "dev cannot be promoted to dev"),
            (Some(Production), Staging, "use --from dev --to staging"),
        ] {
            let error = check(from, to).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn every_environment_has_its_place() {
        let folders = crate::chart::files::environments().unwrap();
        let mut names: Vec<_> = ORDER.iter().map(|it| it.name()).collect();
        names.sort_unstable();
        let folders: Vec<_> = folders
            .iter()
            .filter_map(|it| it.parent()?.file_name())
            .collect();
        assert_eq!(folders, names);
    }
}
