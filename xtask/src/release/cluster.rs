//! The verified chart on a cluster: installed from the registry by README's commands, its images pulled by the nodes.

use std::time::Duration;

use anyhow::{Context as _, Result};
use e2e::command::output;
use tokio::process::Command;
use uuid::Uuid;

use super::verify::Claim;
use crate::console::Step;

/// For one call; a namespace takes its time to go.
const LIMIT: Duration = Duration::from_mins(3);

/// Installs the claim into a namespace of its own, which enforces `restricted`, runs the chart's tests, and removes it.
pub(super) async fn install(claim: &Claim<'_>) -> Result<usize> {
    let namespace = format!("release-{}", &Uuid::new_v4().simple().to_string()[..6]);
    kubectl(&["create", "namespace", &namespace]).await?;
    let restricted = "pod-security.kubernetes.io/enforce=restricted";
    kubectl(&["label", "namespace", &namespace, restricted]).await?;
    let installed = claim.install(&namespace).await;
    let evidence = match &installed {
        Ok(_) => String::new(),
        Err(_) => evidence(&namespace).await,
    };
    let step = Step::start("remove it again");
    let removed = kubectl(&["delete", "namespace", &namespace]).await;
    step.done(&namespace);
    let steps = installed.with_context(|| evidence)?;
    removed.map(|_| steps)
}

/// What the cluster says of pods that did not come up.
async fn evidence(namespace: &str) -> String {
    let pods = kubectl(&["get", "pods", "-n", namespace, "-o", "wide"]).await;
    let events = kubectl(&[
        "get",
        "events",
        "-n",
        namespace,
        "--field-selector=type=Warning",
    ])
    .await;
    format!(
        "{}\n{}",
        pods.unwrap_or_default(),
        events.unwrap_or_default()
    )
}

async fn kubectl(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("kubectl");
    command.args(arguments);
    let ran = output(command, LIMIT, "").await;
    ran.with_context(|| format!("kubectl {}", arguments.join(" ")))
}
