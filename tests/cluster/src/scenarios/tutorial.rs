//! What the tutorial's reader does, and what is left afterwards.

use std::time::Instant;

use anyhow::Result;
use serde_json::json;

use super::pods;
use crate::site::{ROLLOUT, SOON};
use crate::{PodLogs, Site};
use harness::{kubectl::Kubectl, wait::until};
use local_stack::{Http, load};

pub(super) async fn request(site: &Site, broker: &str, mode: &str) -> Result<String> {
    let before = everything(&site.kubectl).await?;
    let values = json!({"broker": {"active": broker}, "subscription": {"mode": mode}});
    let started = Instant::now();
    site.upgrade(&values).await?;
    let ready = started.elapsed().as_secs_f32();
    pods::two_of_two(&site.kubectl, &["task-api", "task-worker"]).await?;

    ask(site).await?;

    let helm = site.helm();
    helm.run("uninstall", &["--wait"], ROLLOUT, "").await?;
    until("nothing is left", ROLLOUT, async || {
        let mut left = everything(&site.kubectl).await?;
        left.retain(|it| !before.contains(it));
        Ok((!left.is_empty()).then(|| left.join(", ")))
    })
    .await?;
    Ok(format!("2/2 after {ready:.1} s, one effect, nothing left"))
}

/// The tutorial's request through a forwarded port: three fields, and a line in the worker's log.
pub(super) async fn ask(site: &Site) -> Result<()> {
    let logs = PodLogs::start(&site.kubectl, "task-worker", &site.folder)?;
    let forward = pods::forward(&site.kubectl, "svc/task-api", 80, &site.folder);
    let (_forward, url) = forward.await?;
    let task = load::tutorial(&Http::new(), &url).await?;
    let (effects, task) = (logs.effects(), [task]);
    effects.wait_for("the worker's line", SOON, &task).await
}

/// Every object of the namespace, whatever its kind, but for events, which are a log.
async fn everything(kubectl: &Kubectl) -> Result<Vec<String>> {
    let kinds = "api-resources --namespaced --verbs=list,delete --output=name";
    let kinds = kubectl.run(kinds).await?;
    let kinds = kinds.lines().filter(|kind| !kind.starts_with("events"));
    let kinds = kinds.collect::<Vec<_>>().join(",");
    let objects = format!("get {kinds} --output=name --ignore-not-found");
    let objects = kubectl.run(&objects).await?;
    Ok(objects.lines().map(str::to_owned).collect())
}
