//! `cargo xtask pins`: the versions that the project pins, from `xtask/pins.yaml`, and where else each is written.
//!
//! | module | holds |
//! |---|---|
//! | [`places`] | the lines outside `pins.yaml` that name a pinned version |

mod places;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use harness::console;

/// The file, as it was when xtask was compiled.
const FILE: &str = include_str!("../pins.yaml");

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Prints the version of this pin and nothing else; without it, writes every pin where else it must stand.
    name: Option<String>,
    /// Only compares, and fails when a place names another version.
    #[arg(long, conflicts_with = "name")]
    check: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    match &args.name {
        Some(name) => {
            let found = all().find(|(pin, _)| pin == name);
            let (_, version) = found
                .with_context(|| format!("there is no pin `{name}`; xtask/pins.yaml has them"))?;
            console::result(version);
        }
        None if args.check => console::result(check()?),
        None => console::result(places::write()?),
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether every place names the pinned version.
pub(crate) fn check() -> Result<String> {
    let stale = places::stale()?;
    if stale.is_empty() {
        return Ok(format!(
            "{} pins, {} places",
            all().count(),
            places::ALL.len()
        ));
    }
    bail!("{}\n`cargo xtask pins` writes them", stale.join("\n"))
}

/// Name and version of each.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = FILE.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(": "))
}

/// The version that a tool has. One that is not in the file does not compile.
pub(crate) const fn pin(name: &str) -> &'static str {
    let (file, name) = (FILE.as_bytes(), name.as_bytes());
    let mut start = 0;
    while start < file.len() {
        let mut end = start;
        while end < file.len() && file[end] != b'\n' {
            end += 1;
        }
        if let Some(version) = value(start, end, name) {
            return version;
        }
        start = end + 1;
    }
    panic!("xtask/pins.yaml does not have this pin")
}

/// What stands behind `name: ` in this line of the file.
const fn value(start: usize, end: usize, name: &[u8]) -> Option<&'static str> {
    let file = FILE.as_bytes();
    let colon = start + name.len();
    if colon + 2 > end || file[colon] != b':' || file[colon + 1] != b' ' {
        return None;
    }
    let mut index = 0;
    while index < name.len() {
        if file[start + index] != name[index] {
            return None;
        }
        index += 1;
    }
    Some(FILE.split_at(end).0.split_at(colon + 2).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_file_as_yaml_does() {
        let yaml: std::collections::BTreeMap<String, String> =
            serde_norway::from_str(FILE).unwrap();
        let ours: std::collections::BTreeMap<_, _> = all()
            .map(|(name, version)| (name.to_owned(), version.to_owned()))
            .collect();
        assert_eq!(ours, yaml);
    }

    #[test]
    fn finds_a_pin_by_its_whole_name() {
        assert_eq!(
            pin("helm-3"),
            all().find(|(name, _)| *name == "helm-3").unwrap().1
        );
        assert_ne!(pin("dapr"), pin("dapr-libraries"));
    }

    #[test]
    fn renovate_can_follow_every_pin() {
        let mut before = "";
        for line in FILE.lines() {
            if let Some((name, _)) = line.split_once(": ").filter(|_| !line.starts_with('#')) {
                // slf4j follows Kafka, and people decide when Dapr builds with libraries of its own.
                let followed = before.starts_with("# renovate: datasource=");
                let by_hand = ["slf4j", "dapr-libraries"].contains(&name);
                assert!(followed || by_hand, "{name}");
            }
            before = line;
        }
    }
}
