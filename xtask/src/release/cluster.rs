//! The verified chart on a cluster: installed from the registry by README's commands, its images pulled by the nodes.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use harness::kubectl::Kubectl;
use uuid::Uuid;

use super::verify::Claim;
use harness::console::Step;

/// A namespace takes its time to go.
const REMOVED: Duration = Duration::from_mins(3);

/// Of a namespace: pods that may do what they like are refused.
const RESTRICTED: &str = "pod-security.kubernetes.io/enforce=restricted";

/// Installs the claim into a namespace of its own, which enforces `restricted`, runs the chart's tests, and removes it.
pub(super) async fn install(claim: &Claim<'_>) -> Result<usize> {
    let namespace = format!("release-{}", &Uuid::new_v4().simple().to_string()[..6]);
    let kubectl = Kubectl::new(Path::new("kubectl"), &namespace);
    kubectl.run(&["create", "namespace", &namespace]).await?;
    let result = install_into(&kubectl, claim).await;
    let step = Step::start("remove it again");
    let args = ["delete", "namespace", &namespace];
    let removed = kubectl.run_within(REMOVED, &args, "").await;
    step.done(&namespace);
    let steps = result?;
    removed.map(|_| steps)
}

async fn install_into(kubectl: &Kubectl, claim: &Claim<'_>) -> Result<usize> {
    let namespace = kubectl.namespace();
    let args = ["label", "namespace", namespace, RESTRICTED];
    kubectl.run(&args).await?;
    match claim.install(namespace).await {
        Ok(steps) => Ok(steps),
        Err(error) => Err(error.context(evidence(kubectl).await)),
    }
}

/// What the cluster says of pods that did not come up.
async fn evidence(kubectl: &Kubectl) -> String {
    let pods = kubectl.run(&["get", "pods", "-o", "wide"]).await;
    let warnings = ["get", "events", "--field-selector=type=Warning"];
    let events = kubectl.run(&warnings).await;
    format!(
        "{}\n{}",
        pods.unwrap_or_default(),
        events.unwrap_or_default()
    )
}
