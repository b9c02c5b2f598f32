//! What only an API server knows: its validations, what its version finds deprecated, and whether it admits pods as `restricted`.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use harness::chart::text;
use harness::kubectl;
use serde_json::Value;
use tokio::process::Command;

use crate::installations::{RENDERED, list};
use crate::tools::output;

/// Deleted again even when an installation is refused.
struct Namespace(String);

impl Namespace {
    fn create() -> Result<Self> {
        let name = format!("task-pubsub-dry-run-{}", std::process::id());
        let namespace = Self(name);
        namespace.kubectl(&["create", "namespace", &namespace.0], "")?;
        // Of a Deployment there are no pods yet: `warn` speaks of its template.
        let restricted = "pod-security.kubernetes.io/warn=restricted";
        namespace.kubectl(&["label", "namespace", &namespace.0, restricted], "")?;
        Ok(namespace)
    }

    fn kubectl(&self, args: &[&str], input: &str) -> Result<String> {
        let mut kubectl = Command::new("kubectl");
        kubectl.args(["--request-timeout=2m", "--namespace", &self.0]);
        output(kubectl.args(args), input)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Nothing is in it; should this fail, kubectl says so.
        let _ = self.kubectl(&["delete", "namespace", "--wait=false", &self.0], "");
    }
}

/// The kinds that this cluster has. Of a pod, as `helm test` has them, the server wants the `ServiceAccount` to be there.
fn kinds(namespace: &Namespace) -> Result<BTreeSet<String>> {
    let kinds = namespace.kubectl(&["api-resources", "--no-headers"], "")?;
    let kinds = kinds.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().rev().collect();
        Some(format!("{} {}", words.get(2)?, words.first()?))
    });
    Ok(kinds.filter(|kind| kind != "v1 Pod").collect())
}

#[test]
#[ignore = "needs the cluster that KUBECONFIG names: `cargo xtask chart --server-side`"]
fn an_api_server_takes_every_installation() -> Result<()> {
    ensure!(
        kubectl::is_named(),
        "KUBECONFIG is not set: it names the cluster that is asked"
    );
    let namespace = Namespace::create()?;
    let kinds = kinds(&namespace)?;
    let known = |object: &&Value| {
        let kind = format!("{} {}", text(&object["apiVersion"]), text(&object["kind"]));
        kinds.contains(&kind)
    };
    for (name, rendered) in RENDERED.iter() {
        let objects: Vec<_> = rendered.objects().filter(known).collect();
        ensure!(
            !objects.is_empty(),
            "{name}: the cluster knows none of its kinds"
        );
        let apply = ["apply", "--server-side", "--dry-run=server"];
        let apply = [&apply[..], &["--warnings-as-errors", "-f", "-"]].concat();
        let said = namespace.kubectl(&apply, &list(objects.iter().copied()));
        let said = said.with_context(|| name.clone())?;
        let taken = said
            .lines()
            .filter(|line| line.ends_with("(server dry run)"));
        assert_eq!(taken.count(), objects.len(), "{name}: {said}");
    }
    Ok(())
}
