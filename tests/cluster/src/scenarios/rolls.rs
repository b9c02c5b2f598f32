//! Rollouts that change no broker.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::pods;
use super::under_load::{UnderLoad, two_publishers};
use crate::Site;
use crate::site::ROLLOUT;
use harness::refused;

/// The chart as it was released last: a file named after its version.
const PREVIOUS: &str = "tests/cluster/fixtures/task-pubsub-0.1.0.tgz";

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

pub(super) async fn upgrade(site: &Site) -> Result<String> {
    let values = site.values(&json!({}));
    site.helm().upgrade(PREVIOUS, &values, ROLLOUT).await?;
    let work = UnderLoad::start(site).await?;
    site.upgrade(&json!({})).await?;
    work.go_on().await?;
    work.perfect().await
}
