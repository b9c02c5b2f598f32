//! What the pull request of a promotion tells: which images, and what that changes in the manifests.

use std::fmt::Write as _;

use super::Promotion;
use super::environment::Image;

/// GitHub takes 65,536 characters; this leaves room for what stands above the diff.
const DIFF: usize = 60_000;

/// In Markdown.
pub(super) fn text(promotion: &Promotion, diff: &str) -> String {
    let Promotion {
        to,
        old,
        new,
        revision,
    } = promotion;
    let name = to.name();
    let mut text = format!("Promotes {} to `{name}`", new.version());
    if let Some(revision) = revision {
        let _ = write!(text, ", made from commit {revision}");
    }
    text.push_str(".\n\n| | before | after |\n|---|---|---|\n");
    if old.registry != new.registry {
        let _ = writeln!(
            text,
            "| registry | `{}` | `{}` |",
            old.registry, new.registry
        );
    }
    for (before, after) in old.images.iter().zip(&new.images) {
        let (old, new) = (shown(before), shown(after));
        let _ = writeln!(text, "| {} | {old} | {new} |", after.service);
    }
    let (diff, rest) = beginning(diff);
    let _ = write!(
        text,
        "\nWhat it changes in the manifests, as the chart of this branch renders them:\n\n```diff\n{diff}```\n"
    );
    if rest > 0 {
        let _ = writeln!(
            text,
            "\nThe diff is {rest} characters longer; the whole is that of `charts/task-pubsub/golden/argocd-{name}.yaml`."
        );
    }
    text
}

fn shown(image: &Image) -> String {
    if image.digest.is_empty() {
        return format!("{}, no digest", image.tag);
    }
    format!("{} `{}`", image.tag, image.digest)
}

/// Whole lines from the beginning, as many as there is room for, and how many characters that leaves out.
fn beginning(diff: &str) -> (&str, usize) {
    let mut end = 0;
    let mut room = DIFF;
    for line in diff.split_inclusive('\n') {
        let Some(left) = room.checked_sub(line.chars().count()) else {
            break;
        };
        room = left;
        end += line.len();
    }
    (&diff[..end], diff[end..].chars().count())
}

/// The diff without the folder in which the two files were compared.
pub(super) fn without_folder(diff: &str, folder: &str) -> String {
    let folder = folder.trim_start_matches('/');
    let hunks = diff.find("\n@@").unwrap_or(diff.len());
    let (head, hunks) = diff.split_at(hunks);
    head.replace(&format!("{folder}/"), "") + hunks
}

#[cfg(test)]
mod tests {
    use super::super::environment::{Deployed, SERVICES};
    use super::super::order::Environment;
    use super::*;

    fn deployed(registry: &str, tag: &str, digest: &str) -> Deployed {
        let image = |(service, _)| Image {
            service,
            tag: tag.to_owned(),
            digest: digest.to_owned(),
        };
        Deployed {
            registry: registry.to_owned(),
            images: SERVICES.map(image).to_vec(),
        }
    }

    fn promotion() -> Promotion {
        Promotion {
            to: Environment::Staging,
            old: deployed("host", "0.2.0", ""),
            new: deployed("other", "0.3.0", "sha256:aa"),
            revision: Some("0123abc".to_owned()),
        }
    }

    #[test]
    fn tells_what_changes() {
        let text = text(&promotion(), "-old\n+new\n");
        assert!(text.starts_with("Promotes 0.3.0 to `staging`, made from commit 0123abc.\n"));
        assert!(text.contains("| registry | `host` | `other` |\n"));
        assert!(text.contains("| task-probe | 0.2.0, no digest | 0.3.0 `sha256:aa` |\n"));
        assert!(text.ends_with("\n```diff\n-old\n+new\n```\n"), "{text}");
    }

    #[test]
    fn a_long_diff_is_cut_between_lines_and_says_so() {
        let line = format!("+{}\n", "ä".repeat(98));
        let text = text(&promotion(), &line.repeat(1000));
        assert!(text.chars().count() < 65_536);
        assert!(text.contains(&format!("{line}```\n\nThe diff is 40000 characters longer")));
    }

    #[test]
    fn a_diff_names_no_folder_of_this_machine() {
        let diff = "diff --git a/srv/x/before/dev.yaml b/srv/x/after/dev.yaml\n--- a/srv/x/before/dev.yaml\n+++ b/srv/x/after/dev.yaml\n@@ -1 +1 @@\n-a\n+b\n";
        let text = without_folder(diff, "/srv/x");
        assert!(
            text.starts_with(
                "diff --git a/before/dev.yaml b/after/dev.yaml\n--- a/before/dev.yaml\n"
            )
        );
        assert!(text.ends_with("@@ -1 +1 @@\n-a\n+b\n"));
    }
}
