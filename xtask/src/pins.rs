//! The versions that the project pins: `xtask/pins.yaml`, which scripts read by `.github/scripts/pin`.

/// The file, as it was when xtask was compiled.
const FILE: &str = include_str!("../pins.yaml");

/// Name and version of each.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = FILE.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(": "))
}

/// The version of this name. A unit test asks for every one that a tool has.
pub(crate) fn pin(name: &str) -> &'static str {
    let found = all().find(|(pin, _)| *pin == name);
    found.map_or_else(|| panic!("xtask/pins.yaml has no {name}"), |(_, it)| it)
}

#[cfg(test)]
mod tests {
    use std::{fs, io, path::Path};

    use super::*;

    /// Where a pinned version stands once more, because rustup, Go, Argo CD or people read it there, and what stands before it. Of a
    /// folder, all files. `renovate.json` changes it there too.
    const PLACES: [(&str, &str, &str); 7] = [
        ("rust", "channel = \"", "rust-toolchain.toml"),
        ("dapr", "targetRevision: ", "argocd/dapr.yaml"),
        ("dapr", "daprd ", "GUARANTEES.md"),
        ("dapr", "github.com/dapr/dapr v", "docs/examples/go/go.mod"),
        (
            "components-contrib",
            "components-contrib ",
            "charts/task-pubsub/templates/lib",
        ),
        ("argo-cd", "/argo-cd/v", "argocd/README.md"),
        (
            "pubsub-emulator",
            "cloud.google.com/go/pubsub v",
            "tests/local/emulators/pstest/go.mod",
        ),
    ];

    #[test]
    fn a_version_is_the_same_wherever_it_is_written() {
        for (name, before, path) in PLACES {
            let text = text(&harness::workspace().join(path)).unwrap();
            let versions = text.split(before).skip(1).filter_map(|after| {
                let end = after.find(|c: char| !(c.is_ascii_digit() || c == '.'));
                let version = after[..end.unwrap_or(after.len())].trim_end_matches('.');
                // `daprd 1.18` in prose is no version.
                (version.split('.').count() == 3).then_some(version)
            });
            let versions: Vec<_> = versions.collect();
            assert!(!versions.is_empty(), "{path} has no `{before}VERSION`");
            let other = versions.iter().find(|version| **version != pin(name));
            assert_eq!(other, None, "{path}: xtask/pins.yaml has {}", pin(name));
        }
    }

    fn text(path: &Path) -> io::Result<String> {
        if path.is_dir() {
            return fs::read_dir(path)?.map(|it| text(&it?.path())).collect();
        }
        fs::read_to_string(path)
    }

    #[test]
    fn renovate_follows_every_pin() {
        let mut before = "";
        for line in FILE.lines() {
            if let Some((name, _)) = line.split_once(": ").filter(|_| !line.starts_with('#')) {
                // slf4j follows Kafka, and people decide when Dapr builds with libraries of its own.
                let by_hand = ["slf4j", "dapr-libraries"].contains(&name);
                let followed = before.starts_with("# renovate: datasource=");
                assert!(followed || by_hand, "{name}");
            }
            before = line;
        }
    }
}
