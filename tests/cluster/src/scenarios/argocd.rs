//! The same by commits, which Argo CD syncs in waves.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::change::dead_broker;
use super::pods;
use super::under_load::{QUIET, UnderLoad, two_publishers};
use crate::{ArgoCd, PodLogs, Repository, Site};
use harness::chart::merge;

/// The environment's name.
const ENVIRONMENT: &str = "e2e";

/// A sync with all its waves, preflight and smoke.
const SYNC: Duration = Duration::from_mins(4);

/// Until the third subscriber has heard what the first one has.
const HEARD: Duration = Duration::from_mins(1);

/// A subscriber that nobody had thought of: the worker's image under another name.
const THIRD: &str = "task-audit";

pub(super) async fn commits(site: &Site) -> Result<String> {
    let git = site.setup.git.as_ref();
    let git = git.context("no git repository: --git-push and --git-sync say where one is")?;
    let target = (ENVIRONMENT, site.kubectl.namespace());
    let repository =
        Repository::create(&site.folder.join("git"), &git.push, &git.sync, target).await?;
    let mut environment = Environment {
        values: site.values(&json!({
            "broker": {"active": "redis", "subscribe": []},
            "preflight": {"enabled": true, "deadline": "45s"},
            "smoke": {"enabled": true},
        })),
        repository,
        site,
        argocd: ArgoCd::new(site, ENVIRONMENT),
    };
    let result = environment.history().await;
    let removed = async {
        environment.argocd.remove().await?;
        environment.repository.remove().await
    };
    let removed = removed.await;
    let figures = result?;
    removed.map(|()| figures)
}

struct Environment<'a> {
    values: Value,
    repository: Repository,
    site: &'a Site,
    argocd: ArgoCd,
}

impl Environment<'_> {
    async fn commit(&mut self, change: &Value, message: &str) -> Result<String> {
        merge(&mut self.values, change);
        self.repository
            .commit(ENVIRONMENT, &self.values, message)
            .await
    }

    async fn history(&mut self) -> Result<String> {
        let first = self.commit(&two_publishers(), "An environment").await?;
        self.argocd.create(&self.repository).await?;
        self.argocd.synced(&first, SYNC).await?;
        pods::two_of_two(&self.site.kubectl, &["task-api", "task-worker"]).await?;

        let work = UnderLoad::start(self.site).await?;
        for (old, new) in [("redis", "kafka"), ("kafka", "rabbitmq")] {
            let changed = self.change(&work, old, new).await;
            changed.with_context(|| format!("{old} to {new}"))?;
        }
        let retired = json!({"broker": {"subscribe": ["rabbitmq"]}});
        self.sync(&retired, "Kafka retires").await?;
        self.dead_broker(&work).await?;
        let third =
            json!({"services": {THIRD: {"port": 8005, "image": {"repository": "task-worker"}}}});
        self.sync(&third, "A third subscriber").await?;
        self.third(work).await
    }

    /// A commit that is synced.
    async fn sync(&mut self, change: &Value, message: &str) -> Result<()> {
        let commit = self.commit(change, message).await?;
        let synced = self.argocd.synced(&commit, SYNC).await;
        synced.with_context(|| message.to_owned())
    }

    async fn change(&mut self, work: &UnderLoad, old: &str, new: &str) -> Result<()> {
        let kubectl = &self.site.kubectl;
        let publishers = pods::names(kubectl, "task-api").await?;
        let change = json!({"broker": {"active": new, "subscribe": [old, new]}});
        let message = format!("broker.active: {new}");
        self.sync(&change, &message).await?;
        self.in_order().await?;
        work.go_on().await?;
        pods::ended(kubectl, "task-api", &publishers).await?;
        work.drained().await
    }

    /// It fails at the preflight with the publishers as they were, and the revert recovers.
    async fn dead_broker(&mut self, work: &UnderLoad) -> Result<()> {
        let kubectl = &self.site.kubectl;
        let publishers = pods::names(kubectl, "task-api").await?;
        let before = self.values.clone();
        let mut dead = json!({"broker": {"active": "dead", "subscribe": ["rabbitmq", "dead"]}});
        dead["brokers"] = dead_broker(kubectl.namespace());
        let commit = self.commit(&dead, "broker.active: dead").await?;
        let failed = self.argocd.failed(&commit, SYNC).await?;
        ensure!(
            failed == ["Job/task-pubsub-preflight"],
            "the sync failed at {failed:?}, not at the preflight alone"
        );
        work.go_on().await?;
        pods::same(kubectl, "task-api", &publishers).await?;

        let commit = self.repository.revert().await?;
        self.values = before;
        let synced = self.argocd.synced(&commit, SYNC).await;
        synced.context("the revert")?;
        work.go_on().await
    }

    /// From now on everybody hears everything.
    async fn third(&self, work: UnderLoad) -> Result<String> {
        let logs = PodLogs::start(&self.site.kubectl, THIRD, &self.site.folder)?;
        let audit = logs.effects();
        let earlier: HashSet<_> = work.acknowledged().await?.into_iter().collect();
        work.go_on().await?;
        let (figures, ledger) = work.stop().await?;
        let mut later = ledger.acknowledged_tasks();
        later.retain(|task| !earlier.contains(task));
        let what = format!("everything later at {THIRD}");
        audit.wait_for(&what, HEARD, &later).await?;
        audit.settle(QUIET).await?;
        let heard = audit.look().await?;
        let doubled = heard.values().filter(|effects| **effects > 1).count();
        ensure!(doubled == 0, "{THIRD} acted twice on {doubled} events");
        let later = later.len();
        Ok(format!("{figures}; all {later} later ones at {THIRD} too"))
    }

    /// The preflight ended before the first new publisher began, and the smoke test came after it.
    async fn in_order(&self) -> Result<()> {
        let kubectl = &self.site.kubectl;
        let preflight = kubectl.get(&["job", "task-pubsub-preflight"]).await?;
        let smoke = kubectl.get(&["job", "task-pubsub-smoke"]).await?;
        let time = |time: &Value| time.as_str().map(str::to_owned);
        let proven = time(&preflight["status"]["completionTime"]);
        let proven = proven.context("the preflight has not ended")?;
        let smoked = time(&smoke["status"]["startTime"]);
        let smoked = smoked.context("no smoke test has begun")?;
        for pod in pods::of(kubectl, "task-api").await? {
            ensure!(
                proven <= pod.created && pod.created <= smoked,
                "preflight ended at {proven}, {} began at {}, smoke at {smoked}",
                pod.name,
                pod.created
            );
        }
        Ok(())
    }
}
