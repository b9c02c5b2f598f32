//! What the tutorial's reader does, and what is left afterwards.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use serde_json::{Value, json};

use super::pods;
use crate::site::ROLLOUT;
use crate::{PodLogs, Site};
use harness::kubectl::Kubectl;
use harness::ledger::Ledger;
use harness::wait::until;
use local_stack::{Http, load};

/// From the answer to the worker's line.
pub(super) const EFFECT: Duration = Duration::from_secs(30);

pub(super) async fn request(site: &Site, broker: &str, mode: &str) -> Result<String> {
    let before = everything(&site.kubectl).await?;
    let values = json!({"broker": {"active": broker}, "subscription": {"mode": mode}});
    let started = Instant::now();
    site.upgrade(&values).await?;
    let ready = started.elapsed();
    pods::two_of_two(&site.kubectl, &["task-api", "task-worker"]).await?;

    ask(site).await?;

    site.helm()
        .run("uninstall", &["--wait"], ROLLOUT, "")
        .await?;
    until("nothing is left", ROLLOUT, async || {
        let mut left = everything(&site.kubectl).await?;
        left.retain(|it| !before.contains(it));
        Ok((!left.is_empty()).then(|| left.join(", ")))
    })
    .await?;
    Ok(format!(
        "2/2 after {:.1} s, one effect, nothing left",
        ready.as_secs_f32()
    ))
}

/// The tutorial's request through a forwarded port: three fields, and a line in the worker's log.
pub(super) async fn ask(site: &Site) -> Result<()> {
    let logs = PodLogs::start(&site.kubectl, "task-worker", &site.folder)?;
    let (_forward, endpoint) = pods::forward(&site.kubectl, &site.folder).await?;
    let title = "Learn Dapr pub/sub";
    let posted = load::post(&Http::new(), &endpoint, title, &Ledger::default()).await;
    let posted = posted.map_err(|failure| anyhow!("{failure:?}"))?;
    let answer: Value = serde_json::from_str(&posted.body)?;
    let expected = json!({"id": posted.id, "title": title, "event": "published"});
    ensure!(answer == expected, "the answer is {answer}, not {expected}");
    let (effects, task) = (logs.effects(), [posted.id]);
    effects.wait_for("the worker's line", EFFECT, &task).await
}

/// Every object of the namespace, whatever its kind, but for events, which are a log.
async fn everything(kubectl: &Kubectl) -> Result<Vec<String>> {
    let names = "--output=name";
    let kinds = [
        "api-resources",
        "--namespaced",
        "--verbs=list,delete",
        names,
    ];
    let kinds = kubectl.run(&kinds).await?;
    let kinds = kinds.lines().filter(|kind| !kind.starts_with("events"));
    let kinds = kinds.collect::<Vec<_>>().join(",");
    let objects = ["get", &kinds, names, "--ignore-not-found"];
    let objects = kubectl.run(&objects).await?;
    Ok(objects.lines().map(str::to_owned).collect())
}
