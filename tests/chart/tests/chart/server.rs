//! What only an API server knows: its validations, what its version finds deprecated, and whether it admits pods as `restricted`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::Kubectl;
use harness::chart::{Rendered, list, text};
use serde_json::Value;

use crate::installations::{RENDERED, block_on};

/// For the objects of one installation.
const LIMIT: Duration = Duration::from_mins(2);

#[test]
#[ignore = "needs the cluster that KUBECONFIG names: `cargo xtask chart --server-side`"]
fn an_api_server_takes_every_installation() -> Result<()> {
    let why = "KUBECONFIG is not set: it names the cluster that is asked";
    ensure!(Kubectl::is_named(), "{why}");
    // Before the runtime is there that it begins itself.
    let all = &*RENDERED;
    let namespace = format!("task-pubsub-dry-run-{}", std::process::id());
    let kubectl = Kubectl::new(Path::new("kubectl"), &namespace);
    let run = |line: &str| block_on(kubectl.run(&line.replace("NAME", &namespace)))?;
    run("create namespace NAME")?;
    // Of a Deployment there are no pods yet: `warn` speaks of its template.
    let labelled = run("label namespace NAME pod-security.kubernetes.io/warn=restricted");
    let taken = labelled.and_then(|_| block_on(all_taken(all, &kubectl))?);
    // Nothing is in it.
    let deleted = run("delete namespace NAME --wait=false");
    taken.and(deleted.map(drop))
}

async fn all_taken(all: &BTreeMap<String, Rendered>, kubectl: &Kubectl) -> Result<()> {
    let kinds = kinds(kubectl).await?;
    let kind = |it: &Value| format!("{} {}", text(&it["apiVersion"]), text(&it["kind"]));
    for (name, rendered) in all {
        let objects = rendered.objects().filter(|it| kinds.contains(&kind(it)));
        let objects: Vec<_> = objects.collect();
        let none = objects.is_empty();
        ensure!(!none, "{name}: the cluster knows none of its kinds");
        let apply = ["apply", "--server-side", "--dry-run=server"];
        let apply = [&apply[..], &["--warnings-as-errors", "-f", "-"]].concat();
        let input = list(objects.iter().copied());
        let said = kubectl.run_within(LIMIT, &apply, &input).await;
        let said = said.with_context(|| name.clone())?;
        let lines = said.lines();
        let taken = lines.filter(|line| line.ends_with("(server dry run)"));
        ensure!(taken.count() == objects.len(), "{name}: {said}");
    }
    Ok(())
}

/// The kinds that this cluster has. Of a pod, as `helm test` has them, the server wants the `ServiceAccount` to be there.
async fn kinds(kubectl: &Kubectl) -> Result<BTreeSet<String>> {
    let kinds = kubectl.run("api-resources --no-headers").await?;
    let kinds = kinds.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().rev().collect();
        Some(format!("{} {}", words.get(2)?, words.first()?))
    });
    Ok(kinds.filter(|kind| kind != "v1 Pod").collect())
}
