//! The same by commits, which Argo CD syncs in waves.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use uuid::Uuid;

use super::change::dead_broker;
use super::under_load::{QUIET, UnderLoad, two_publishers};
use super::{Setup, pods};
use crate::{ArgoCd, Effects, Repository, Site};
use harness::chart::merge;

/// The environment's name.
const ENVIRONMENT: &str = "e2e";

/// A sync with all its waves, preflight and smoke.
const SYNC: Duration = Duration::from_mins(4);

/// Until the third subscriber has heard what the first one has.
const HEARD: Duration = Duration::from_mins(1);

/// A subscriber that nobody had thought of: the worker's image under another name.
const THIRD: &str = "task-audit";

pub(super) async fn commits(setup: Setup, name: &str) -> Result<String> {
    let site = Site::create(&setup, name).await?;
    let result = with_argocd(&site, &setup).await;
    site.end(result).await
}

async fn with_argocd(site: &Site, setup: &Setup) -> Result<String> {
    let git = setup
        .git
        .clone()
        .context("no git repository: --git-push and --git-sync say where one is")?;
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
        setup,
    };
    let argocd = ArgoCd::new(&site.kubectl, (ENVIRONMENT, &setup.run));
    let result = environment.history(&argocd).await;
    let removed = async {
        argocd.remove().await?;
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
    setup: &'a Setup,
}

impl Environment<'_> {
    async fn commit(&mut self, change: &Value, message: &str) -> Result<String> {
        merge(&mut self.values, change);
        self.repository
            .commit(ENVIRONMENT, &self.values, message)
            .await
    }

    async fn history(&mut self, argocd: &ArgoCd) -> Result<String> {
        let first = self.commit(&two_publishers(), "An environment").await?;
        argocd.create(&self.repository).await?;
        argocd.synced(&first, SYNC).await?;
        pods::two_of_two(&self.site.kubectl, &["task-api", "task-worker"]).await?;

        let mut work = UnderLoad::start(self.site, self.setup).await?;
        for (old, new) in [("redis", "kafka"), ("kafka", "rabbitmq")] {
            self.change(argocd, &mut work, old, new)
                .await
                .with_context(|| format!("{old} to {new}"))?;
        }
        let retired = json!({"broker": {"subscribe": ["rabbitmq"]}});
        self.sync(argocd, &retired, "Kafka retires").await?;
        self.dead_broker(argocd, &mut work).await?;
        let third =
            json!({"services": {THIRD: {"port": 8005, "image": {"repository": "task-worker"}}}});
        self.sync(argocd, &third, "A third subscriber").await?;
        self.third(work).await
    }

    /// A commit that is synced.
    async fn sync(&mut self, argocd: &ArgoCd, change: &Value, message: &str) -> Result<()> {
        let commit = self.commit(change, message).await?;
        let synced = argocd.synced(&commit, SYNC).await;
        synced.with_context(|| message.to_owned())
    }

    async fn change(
        &mut self,
        argocd: &ArgoCd,
        work: &mut UnderLoad,
        old: &str,
        new: &str,
    ) -> Result<()> {
        let kubectl = &self.site.kubectl;
        let publishers = pods::names(&pods::of(kubectl, "task-api").await?);
        let change = json!({"broker": {"active": new, "subscribe": [old, new]}});
        self.sync(argocd, &change, &format!("broker.active: {new}"))
            .await?;
        self.in_order().await?;
        work.go_on().await?;
        pods::ended(kubectl, "task-api", &publishers).await?;
        work.drained().await
    }

    /// It fails at the preflight with the publishers as they were, and the revert recovers.
    async fn dead_broker(&mut self, argocd: &ArgoCd, work: &mut UnderLoad) -> Result<()> {
        let kubectl = &self.site.kubectl;
        let publishers = pods::names(&pods::of(kubectl, "task-api").await?);
        let before = self.values.clone();
        let mut dead = json!({"broker": {"active": "dead", "subscribe": ["rabbitmq", "dead"]}});
        dead["brokers"] = dead_broker(kubectl.namespace());
        let commit = self.commit(&dead, "broker.active: dead").await?;
        let failed = argocd.failed(&commit, SYNC).await?;
        ensure!(
            failed == ["Job/task-pubsub-preflight"],
            "the sync failed at {failed:?}, not at the preflight alone"
        );
        work.go_on().await?;
        let now = pods::names(&pods::of(kubectl, "task-api").await?);
        ensure!(
            publishers == now,
            "publishers were touched: {publishers:?} are now {now:?}"
        );

        let commit = self.repository.revert().await?;
        self.values = before;
        argocd.synced(&commit, SYNC).await.context("the revert")?;
        work.go_on().await
    }

    /// From now on everybody hears everything.
    async fn third(&self, mut work: UnderLoad) -> Result<String> {
        let mut audit = Effects::follow(&self.site.kubectl, THIRD, &self.site.folder)?;
        work.load.look().await?;
        let earlier: HashSet<_> = work
            .load
            .ledger()
            .acknowledged_tasks()
            .into_iter()
            .collect();
        work.go_on().await?;
        let (figures, ledger) = work.stop().await?;
        let later = ledger.acknowledged_tasks();
        let later: Vec<_> = later
            .iter()
            .filter(|task| !earlier.contains(*task))
            .collect();
        let missed = |heard: &HashMap<Uuid, u64>| {
            let missed = later
                .iter()
                .filter(|task| !heard.contains_key(*task))
                .count();
            (missed > 0).then(|| format!("{missed} of {} events", later.len()))
        };
        audit
            .wait(&format!("everything later at {THIRD}"), HEARD, missed)
            .await?;
        let heard = audit.settle(QUIET).await?;
        let doubled = heard.values().filter(|effects| **effects > 1).count();
        ensure!(doubled == 0, "{THIRD} acted twice on {doubled} events");
        Ok(format!(
            "{figures}; all {} later ones at {THIRD} too",
            later.len()
        ))
    }

    /// The preflight ended before the first new publisher began, and the smoke test came after it.
    async fn in_order(&self) -> Result<()> {
        let kubectl = &self.site.kubectl;
        let preflight = kubectl.get(&["job", "task-pubsub-preflight"]).await?;
        let smoke = kubectl.get(&["job", "task-pubsub-smoke"]).await?;
        let time = |job: &Value, pointer: &str| {
            let time = job.pointer(pointer).and_then(Value::as_str);
            time.map(str::to_owned)
                .with_context(|| format!("a Job without {pointer}"))
        };
        let proven = time(&preflight, "/status/completionTime")?;
        let smoked = time(&smoke, "/status/startTime")?;
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
