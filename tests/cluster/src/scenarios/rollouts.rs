//! Rollouts by Helm under load: a change of broker, an upgrade, and restarts.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::pods;
use super::under_load::{UnderLoad, two_publishers};
use crate::{Helm, ROLLOUT, Site};
use harness::{chart::CHART, refused};

/// An upgrade to a dead broker is given up after this.
const GIVE_UP: Duration = Duration::from_secs(45);

/// An entry whose address has nobody behind it.
pub(super) fn dead_broker(namespace: &str) -> Value {
    json!({"dead": {
        "type": "kafka",
        "brokers": format!("nobody.{namespace}.svc.cluster.local:9092"),
        "consumerGroup": "task-service-{appID}",
        "authType": "none",
    }})
}

/// What the chart's README says: Helm leaves a release in the middle of a rollback that a hook has refused.
const FORGET_ROLLBACK: &str = "delete secret --selector=owner=helm,status=pending-rollback";

fn brokers(active: &str, subscribe: &[&str]) -> Value {
    json!({"broker": {"active": active, "subscribe": subscribe}, "services": two_publishers()})
}

async fn upgrade(site: &Site, helm: &Helm, active: &str, subscribe: &[&str]) -> Result<()> {
    let values = site.values(&brokers(active, subscribe));
    helm.upgrade(CHART, &values, ROLLOUT).await
}

/// In two steps where the new broker drops what nobody has bound a queue to: it is subscribed to in an upgrade of its own. Those with Helm 4.
pub(super) async fn by_helm(site: &Site, old: &str, new: &str, steps: usize) -> Result<String> {
    let helm = &mut site.helm();
    if steps == 2 {
        helm.program.clone_from(&site.setup.helm4);
    }
    upgrade(site, helm, old, &[]).await?;
    let workers = pods::names(&site.kubectl, "task-worker").await?;
    let work = UnderLoad::start(site).await?;
    if steps == 2 {
        upgrade(site, helm, old, &[old, new]).await?;
        // A canary through every broker that is subscribed to.
        helm.run("test", ROLLOUT, "").await?;
    }
    let publishers = pods::names(&site.kubectl, "task-api").await?;
    let dropped = upgrade(site, helm, new, &[new]).await;
    not_dropped(dropped, old)?;
    upgrade(site, helm, new, &[old, new]).await?;
    work.go_on().await?;
    pods::ended(&site.kubectl, "task-api", &publishers).await?;
    // Back to the revision before the new broker came, as if that could be undone like anything else.
    let back = helm.run("rollback 1 --wait", ROLLOUT, "");
    not_dropped(back.await, new)?;
    site.kubectl.run(FORGET_ROLLBACK).await?;
    work.drained().await?;
    upgrade(site, helm, new, &[new]).await?;
    work.go_on().await?;
    pods::same(&site.kubectl, "task-worker", &workers).await?;
    work.perfect().await
}

/// What the documentation of brokers says: the Component stays, and becomes another broker. The guard refuses it; forced, it is counted.
pub(super) async fn in_place(site: &Site) -> Result<String> {
    let upgrade = async |active: &str, force: bool| {
        let mut values = brokers(active, &[active]);
        values["broker"]["componentName"] = json!("pubsub");
        values["guard"] = json!({"force": force});
        site.upgrade(&values).await
    };
    upgrade("redis", false).await?;
    let work = UnderLoad::start(site).await?;
    let changed = upgrade("kafka", false).await;
    let (wrong, why) = ("it was not refused", "would become another broker");
    refused(changed, wrong, &[why])?;
    work.go_on().await?;
    upgrade("kafka", true).await?;
    work.go_on().await?;
    let (count, _) = work.ended().await?;
    Ok(format!("in place, by force: {count}"))
}

/// The gate, or the chart before it, has said why.
fn not_dropped<T>(ended: Result<T>, broker: &str) -> Result<()> {
    let wrong = format!("{broker} was dropped while publishers were on it");
    let component = format!("pubsub-{broker}");
    refused(ended, &wrong, &[&component, "broker.subscribe"])
}

pub(super) async fn to_a_dead_broker(site: &Site) -> Result<String> {
    let helm = site.helm();
    upgrade(site, &helm, "redis", &[]).await?;
    let publishers = pods::names(&site.kubectl, "task-api").await?;
    let work = UnderLoad::start(site).await?;

    let mut values = brokers("dead", &["redis", "dead"]);
    values["brokers"] = dead_broker(&site.kubectl.namespace);
    let values = site.values(&values);
    let upgraded = helm.upgrade(CHART, &values, GIVE_UP).await;
    refused(upgraded, "an upgrade to a dead broker succeeded", &[])?;
    let now = pods::names(&site.kubectl, "task-api").await?;
    let stay = publishers.is_subset(&now);
    ensure!(stay, "{publishers:?} are now {now:?}");
    work.go_on().await?;

    helm.run("rollback --wait", ROLLOUT, "").await?;
    work.go_on().await?;
    pods::same(&site.kubectl, "task-api", &publishers).await?;
    work.perfect().await
}

/// The chart as it was released last: a file named after its version.
const PREVIOUS: &str = "tests/cluster/fixtures/task-pubsub-0.1.0.tgz";

/// All tests of `helm test`.
const TEST: Duration = Duration::from_secs(150);

pub(super) async fn restarts(site: &Site) -> Result<String> {
    let mut values = json!({"serviceDefaults": {"replicas": 2}});
    site.upgrade(&values).await?;
    let work = UnderLoad::start(site).await?;
    for service in ["task-api", "task-worker"] {
        let before = pods::names(&site.kubectl, service).await?;
        let deployment = format!("deployment/{service}");
        let restart = format!("rollout restart {deployment}");
        site.kubectl.run(&restart).await?;
        let status = format!("rollout status {deployment}");
        site.kubectl.wait(ROLLOUT, &status).await?;
        let after = pods::names(&site.kubectl, service).await?;
        let new = before.is_disjoint(&after);
        ensure!(new, "{service}: not every pod is new");
        work.go_on().await?;
    }
    let test = async || site.helm().run("test", TEST, "").await;
    test().await.context("`helm test` must pass")?;
    let figures = work.perfect().await?;

    values["tests"] = json!({"failing": true});
    site.upgrade(&values).await?;
    let wrong = "`helm test` passed with a test that must fail";
    refused(test().await, wrong, &["test-failing"])?;
    Ok(figures)
}

/// While the old worker and the new one are delivered to in different ways, each event has its effect in one of them.
pub(super) async fn protocols(site: &Site) -> Result<String> {
    let deliver_by = async |protocol: &str| {
        let values = json!({
            "delivery": {"protocol": protocol},
            "broker": {"active": "kafka"},
            "services": two_publishers(),
        });
        site.upgrade(&values).await
    };
    deliver_by("http").await?;
    let work = UnderLoad::start(site).await?;
    for protocol in ["grpc", "http"] {
        let before = pods::names(&site.kubectl, "task-worker").await?;
        deliver_by(protocol).await?;
        work.go_on().await?;
        pods::ended(&site.kubectl, "task-worker", &before).await?;
    }
    work.perfect().await
}

pub(super) async fn from_the_previous(site: &Site) -> Result<String> {
    let values = site.values(&json!({}));
    site.helm().upgrade(PREVIOUS, &values, ROLLOUT).await?;
    let work = UnderLoad::start(site).await?;
    site.upgrade(&json!({})).await?;
    work.go_on().await?;
    work.perfect().await
}
