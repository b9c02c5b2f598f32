//! Wrong commits, each with its revert: nobody is harmed by the one, and the other cures without a hand.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::argocd::Environment;
use super::pods;
use super::rollouts::dead_broker;
use super::under_load::UnderLoad;
use crate::Site;
use harness::chart::{self, merge};

/// From a wrong commit to its failed sync. What waits longest is a rollout whose image is not there.
const FAILED: Duration = Duration::from_secs(150);

/// From the revert to a sync that has succeeded: whatever of the failed one still waits has to give up first.
const CURED: Duration = Duration::from_mins(4);

/// A Secret with a login that no broker here has.
const LOGIN: &str = "login";

/// Its name, its change, and what the sync fails at: nothing where nothing can be rendered, so that none begins.
pub(super) struct Wrong(pub(super) &'static str, Value, Option<&'static str>);

/// An entry of its own, which publishers come to: the broker that is there, with something wrong.
fn moved(entry: &Value) -> Value {
    json!({"broker": {"active": "wrong", "subscribe": ["redis", "wrong"]}, "brokers": {"wrong": entry}})
}

/// The chart's entries, with where this cluster has their brokers.
fn brokers(site: &Site) -> Result<Value> {
    let text = fs::read_to_string(chart::folder().join("values.yaml"))?;
    let mut values = serde_norway::from_str(&text)?;
    merge(&mut values, &site.values(&json!({})));
    Ok(values["brokers"].take())
}

/// The first is what CI has time for.
pub(super) fn all(site: &Site) -> Result<Vec<Wrong>> {
    let brokers = brokers(site)?;
    let [redis, rabbitmq] = ["redis", "rabbitmq"].map(|entry| &brokers[entry]["host"]);
    let login = |key: &str, secret: &str| {
        let keys = json!({"redisPassword": key});
        json!({"type": "redis", "host": redis, "existingSecret": secret, "secretKeys": keys})
    };
    let guard = Some("Job/task-pubsub-guard");
    let preflight = Some("Job/task-pubsub-preflight");
    let mut dead = json!({"broker": {"active": "dead", "subscribe": ["redis", "dead"]}});
    dead["brokers"] = dead_broker(&site.kubectl.namespace);
    let no_secret = moved(&login("password", "logn"));
    let no_key = moved(&login("passphrase", LOGIN));
    // A Redis without one takes any.
    let rabbitmq = json!({"type": "rabbitmq", "host": rabbitmq, "existingSecret": LOGIN});
    let no_type = moved(&json!({"type": "redsi", "metadata": []}));
    let no_image = json!({"services": {"task-worker": {"image": {"tag": "none"}}}});
    let no_broker = json!({"broker": {"active": "nobody"}});
    let worker = Some("Deployment/task-worker");
    Ok(vec![
        Wrong("a misspelt Secret", no_secret, guard),
        Wrong("a dead broker", dead, preflight),
        Wrong("a topic suffix", json!({"topicSuffix": "-other"}), guard),
        Wrong("a wrong key", no_key, guard),
        Wrong("a wrong password", moved(&rabbitmq), preflight),
        Wrong("a misspelt type", no_type, preflight),
        Wrong("an image that is not there", no_image, worker),
        Wrong("values that do not render", no_broker, None),
    ])
}

/// Makes what a wrong commit refers to and needs to be there.
pub(super) async fn prepare(environment: &Environment<'_>) -> Result<()> {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": LOGIN}, "stringData": {"username": "guest", "password": "not-it"},
    });
    environment.site.kubectl.apply(&[secret]).await
}

impl Wrong {
    /// Commits it, takes a pod of each service away, and reverts it. Says how long it took to fail, and to recover.
    pub(super) async fn try_on(
        &self,
        environment: &mut Environment<'_>,
        work: &UnderLoad,
    ) -> Result<String> {
        let Self(name, change, fails_at) = self;
        let kubectl = environment.site.kubectl.clone();
        let publishers = pods::names(&kubectl, "task-api").await?;
        let before = environment.values.clone();
        let commit = environment.commit(change, name).await?;
        let began = Instant::now();
        match *fails_at {
            Some(object) => {
                let failed = environment.argocd.failed(&commit, FAILED).await?;
                ensure!(failed == [object], "the sync failed at {failed:?}");
            }
            None => environment.argocd.not_rendered(FAILED).await?,
        }
        let failed = began.elapsed().as_secs();
        pods::same(&kubectl, "task-api", &publishers).await?;
        let replaced = ["task-worker", "task-api"].map(|service| pods::replaced(&kubectl, service));
        try_join_all(replaced).await?;
        work.go_on().await?;

        let commit = environment.repository.revert().await?;
        environment.values = before;
        let began = Instant::now();
        let reverted = match *fails_at {
            Some(_) => environment.argocd.synced(&commit, CURED).await,
            None => environment.argocd.compared(&commit, CURED).await,
        };
        reverted.context("the revert")?;
        let cured = began.elapsed().as_secs();
        work.go_on().await?;
        let told = format!("{name}: failed after {failed} s, cured {cured} s after its revert");
        Ok(told)
    }
}
