//! Secrets, which the chart mounts as `<folder>/<name>/<key>`, each optional: the kubelet leaves the folder of one that is missing
//! empty, and fills it within about a minute once it is there.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::End;
use crate::clock;
use crate::config::SecretsArgs;
use crate::objects::{Component, Item, Objects, SecretKeyRef};
use crate::plan;
use crate::progress::{Progress, say};
use crate::text::plural;

/// Between two looks at what is missing.
const INTERVAL: Duration = Duration::from_millis(500);

/// Where Secrets are mounted.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    folder: PathBuf,
}

/// What is wrong with a reference to a Secret, and how to put it right.
#[derive(Debug)]
struct Missing {
    what: String,
    cure: String,
}

impl Missing {
    fn sentence(&self) -> String {
        format!("{}: {}", self.what, self.cure)
    }
}

impl Secrets {
    pub(crate) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The value that `item` of `component` refers to, as it is: a line's end belongs to it, as it does for Dapr.
    ///
    /// # Errors
    /// Which Secret or key is missing.
    pub(crate) fn value(
        &self,
        component: &Component,
        item: &Item,
        reference: &SecretKeyRef,
    ) -> Result<String, String> {
        self.find(component, item, reference)
            .map_err(|missing| missing.what)
    }

    /// The first reference of the pub/sub and other Components of the plan that leads nowhere.
    ///
    /// # Errors
    /// The sentence about it.
    fn check(&self, plan: &Objects) -> Result<usize, Missing> {
        let mut found = 0;
        for component in &plan.components {
            // Another secret store's Secrets are not Kubernetes'.
            if !matches!(component.auth.secret_store.as_str(), "" | "kubernetes") {
                continue;
            }
            for item in &component.spec.metadata {
                if let Some(reference) = &item.secret_key_ref {
                    self.find(component, item, reference)?;
                    found += 1;
                }
            }
        }
        Ok(found)
    }

    /// Checks until all are there, at most for `wait`.
    pub(crate) fn wait(&self, plan: &Objects, wait: Duration) -> End {
        let started = Instant::now();
        let mut progress = Progress::default();
        loop {
            match self.check(plan) {
                Ok(0) => {
                    say("no Component refers to a Secret");
                    return End::Fine;
                }
                Ok(found) => {
                    say(&format!(
                        "{} to Secrets, and all are there",
                        plural(found as u64, "reference")
                    ));
                    return End::Fine;
                }
                Err(missing) if started.elapsed() >= wait => {
                    return End::Refused(missing.sentence());
                }
                Err(missing) => {
                    progress.report(|| format!("waiting: {}", missing.what));
                    clock::pause(INTERVAL.min(wait));
                }
            }
        }
    }

    fn find(
        &self,
        component: &Component,
        item: &Item,
        reference: &SecretKeyRef,
    ) -> Result<String, Missing> {
        let (name, key) = (reference.name.as_str(), reference.key());
        let folder = self.folder.join(name);
        let cure = cure(component);
        let (component, item) = (component.name(), item.name.as_str());
        let missing = |what: String, cure: String| Err(Missing { what, cure });
        match std::fs::read_to_string(folder.join(key)) {
            Ok(value) if value.is_empty() => missing(
                format!(
                    "Secret \"{name}\" has nothing under its key \"{key}\" ({component} needs it as {item})"
                ),
                format!("fill it, or {cure}"),
            ),
            Ok(value) => Ok(value),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => missing(
                format!(
                    "Secret \"{name}\" has no text under its key \"{key}\" ({component} needs it as {item})"
                ),
                format!("write it anew, or {cure}"),
            ),
            Err(_) if is_empty(&folder) => missing(
                format!(
                    "Secret \"{name}\" is missing ({component} needs its key \"{key}\" as {item})"
                ),
                format!("create it, or {cure}"),
            ),
            Err(_) => missing(
                format!("Secret \"{name}\" has no key \"{key}\" ({component} needs it as {item})"),
                format!(
                    "add it, or {}",
                    cure.replace("existingSecret", "secretKeys")
                ),
            ),
        }
    }
}

/// Where the name of a Component's Secret comes from.
fn cure(component: &Component) -> String {
    if component.is_pubsub() {
        format!("correct brokers.{}.existingSecret", component.broker())
    } else {
        format!(
            "correct the existingSecret that {} is made with",
            component.name()
        )
    }
}

/// Nothing but what the kubelet keeps for itself.
fn is_empty(folder: &std::path::Path) -> bool {
    std::fs::read_dir(folder).map_or(true, |entries| {
        !entries
            .flatten()
            .any(|entry| !entry.file_name().to_string_lossy().starts_with(".."))
    })
}

/// `task-gate secrets`.
pub(crate) fn run(args: &SecretsArgs) -> End {
    match plan::read(&args.plan.plan) {
        Ok(plan) => Secrets::new(args.secrets.clone()).wait(&plan, args.secret_wait),
        Err(end) => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::testing::component;

    fn sentence(folder: &std::path::Path, key: &str) -> String {
        let plan = Objects {
            components: vec![component(
                "pubsub-kafka",
                "pubsub.kafka",
                &[("saslPassword", &format!("secret:{key}"))],
            )],
            subscriptions: Vec::new(),
        };
        match Secrets::new(folder.to_owned()).check(&plan) {
            Ok(found) => found.to_string(),
            Err(missing) => missing.sentence(),
        }
    }

    #[test]
    fn a_missing_secret_and_a_missing_key_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let absent = "Secret \"login\" is missing (pubsub-kafka needs its key \"password\" as saslPassword): \
                      create it, or correct brokers.kafka.existingSecret";
        assert_eq!(sentence(folder.path(), "password"), absent);
        let secret = folder.path().join("login");
        std::fs::create_dir_all(secret.join("..data")).unwrap();
        assert_eq!(sentence(folder.path(), "password"), absent);
        std::fs::write(secret.join("password"), "x\n").unwrap();
        assert_eq!(sentence(folder.path(), "password"), "1");
        assert_eq!(
            sentence(folder.path(), "passphrase"),
            "Secret \"login\" has no key \"passphrase\" (pubsub-kafka needs it as saslPassword): \
             add it, or correct brokers.kafka.secretKeys"
        );
        std::fs::write(secret.join("password"), "").unwrap();
        assert!(sentence(folder.path(), "password").contains("has nothing under its key"));
    }
}
