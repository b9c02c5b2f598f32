//! Rollouts that change no broker.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::tutorial::ROLLOUT;
use super::under_load::{UnderLoad, two_publishers};
use super::{Setup, pods};
use crate::Site;
use harness::{chart::merge, workspace};

/// The chart as it was released last: from the workspace's root, a file named after its version.
const PREVIOUS: &str = "tests/cluster/fixtures/task-pubsub-0.1.0.tgz";

/// For `helm test`.
const TEST: Duration = Duration::from_secs(150);

pub(super) async fn restarts(setup: Setup, name: &str) -> Result<String> {
    let site = Site::create(&setup, name).await?;
    let result = roll_and_test(&site, &setup).await;
    site.end(result).await
}

async fn roll_and_test(site: &Site, setup: &Setup) -> Result<String> {
    let helm = site.helm();
    let values = site.values(&json!({"serviceDefaults": {"replicas": 2}}));
    helm.upgrade(&site.chart(), &values, ROLLOUT).await?;
    let mut work = UnderLoad::start(site, setup).await?;
    for service in ["task-api", "task-worker"] {
        let before = pods::names(&pods::of(&site.kubectl, service).await?);
        site.kubectl
            .run(&["rollout", "restart", &format!("deployment/{service}")])
            .await?;
        site.kubectl.rolled_out(service, ROLLOUT).await?;
        let after = pods::names(&pods::of(&site.kubectl, service).await?);
        ensure!(
            before.is_disjoint(&after),
            "{service}: not every pod is new"
        );
        work.go_on().await?;
    }
    helm.test(TEST).await.context("`helm test` must pass")?;
    let figures = work.perfect().await?;

    let failing =
        site.values(&json!({"serviceDefaults": {"replicas": 2}, "tests": {"failing": true}}));
    helm.upgrade(&site.chart(), &failing, ROLLOUT).await?;
    let Err(said) = helm.test(TEST).await else {
        anyhow::bail!("`helm test` passed with a test that must fail");
    };
    ensure!(
        format!("{said:#}").contains("test-failing"),
        "not the failing test failed: {said:#}"
    );
    Ok(figures)
}

pub(super) async fn protocols(setup: Setup, name: &str) -> Result<String> {
    let site = Site::create(&setup, name).await?;
    let result = there_and_back(&site, &setup).await;
    site.end(result).await
}

/// While the old worker and the new one are delivered to in different ways, each event has its effect in one of them.
async fn there_and_back(site: &Site, setup: &Setup) -> Result<String> {
    let deliver_by = async |protocol: &str| {
        let mut values = json!({"delivery": {"protocol": protocol}, "broker": {"active": "kafka"}});
        merge(&mut values, &two_publishers());
        let helm = site.helm();
        helm.upgrade(&site.chart(), &site.values(&values), ROLLOUT)
            .await
    };
    deliver_by("http").await?;
    let mut work = UnderLoad::start(site, setup).await?;
    for protocol in ["grpc", "http"] {
        let before = pods::names(&pods::of(&site.kubectl, "task-worker").await?);
        deliver_by(protocol).await?;
        work.go_on().await?;
        pods::ended(&site.kubectl, "task-worker", &before).await?;
    }
    work.perfect().await
}

pub(super) async fn upgrade(setup: Setup, name: &str) -> Result<String> {
    let site = Site::create(&setup, name).await?;
    let result = from_the_previous_version(&site, &setup).await;
    site.end(result).await
}

async fn from_the_previous_version(site: &Site, setup: &Setup) -> Result<String> {
    let (helm, values) = (site.helm(), site.values(&json!({})));
    helm.upgrade(&workspace().join(PREVIOUS), &values, ROLLOUT)
        .await?;
    let mut work = UnderLoad::start(site, setup).await?;
    helm.upgrade(&site.chart(), &values, ROLLOUT).await?;
    work.go_on().await?;
    work.perfect().await
}
