//! The same by commits, which Argo CD syncs in waves.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::pods;
use super::under_load::{SETTLED, UnderLoad, two_publishers};
use super::wrong;
use crate::{ArgoCd, PodLogs, Repository, Site};
use harness::{QUIET, chart::merge};

const ENVIRONMENT: &str = "e2e";

/// A sync with all its waves, preflight and smoke.
const SYNC: Duration = Duration::from_mins(4);

/// Services that nobody had thought of: a subscriber, the worker's image under another name; one that announces an order for each task, and
/// hears orders itself; and one that hears orders only.
const NEW: [&str; 3] = ["task-audit", "order-bridge", "order-worker"];

/// One in ten tasks comes to the bridge by its rule, and it refuses what comes the wrong way (`task-load`).
fn grown() -> Value {
    let task = json!({"topic": "task", "route": "/events/todo"});
    let order = json!({"topic": "order", "route": "/events/order"});
    let rules = json!([{"match": "event.data.title.endsWith('7')", "path": "/events/urgent"}]);
    let by_rule = json!({"topic": "task", "route": "/events/todo", "rules": rules});
    let [audit, bridge, worker] = NEW;
    json!({
        "topics": {"order": {"name": "order-events", "deadLetter": "order-events-dead-letter"}},
        "services": {
            audit: {"subscribes": [task], "port": 8005, "image": {"repository": "task-worker"}},
            bridge: {"publishes": ["order"], "subscribes": [by_rule, order], "port": 8010, "image": {"repository": "task-load"}},
            worker: {"subscribes": [order], "port": 8003},
        },
    })
}

/// An environment of its own, with this history.
pub(super) async fn commits<'a>(
    site: &'a Site,
    history: impl AsyncFnOnce(&mut Environment<'a>) -> Result<String>,
) -> Result<String> {
    let git = site.setup.git.as_ref();
    let git = git.context("no git repository: --git-push and --git-sync say where one is")?;
    let target = (ENVIRONMENT, site.kubectl.namespace.as_str());
    let repository = Repository::create(&site.folder.join("git"), git, target).await?;
    let mut environment = Environment {
        values: site.values(&json!({
            "broker": {"active": "redis", "subscribe": []},
            "preflight": {"enabled": true, "deadline": "45s"},
            "smoke": {"enabled": true},
            "guard": {"secretWait": "5s", "stable": "3s", "drainWait": "60s"},
            "serviceDefaults": {"progressDeadlineSeconds": 60},
        })),
        repository,
        site,
        argocd: ArgoCd::new(site, ENVIRONMENT),
    };
    let result = history(&mut environment).await;
    let removed = async {
        environment.argocd.remove().await?;
        environment.repository.remove().await
    };
    let removed = removed.await;
    let figures = result?;
    removed.map(|()| figures)
}

pub(super) struct Environment<'a> {
    pub(super) values: Value,
    pub(super) repository: Repository,
    pub(super) site: &'a Site,
    pub(super) argocd: ArgoCd,
}

impl Environment<'_> {
    pub(super) async fn commit(&mut self, change: &Value, message: &str) -> Result<String> {
        merge(&mut self.values, change);
        self.repository.commit(&self.values, message).await
    }

    async fn begin(&mut self) -> Result<UnderLoad> {
        let services = json!({"services": two_publishers()});
        let first = self.commit(&services, "An environment").await?;
        self.argocd.create(&self.repository).await?;
        self.argocd.synced(&first, SYNC).await?;
        pods::two_of_two(&self.site.kubectl, &["task-api", "task-worker"]).await?;
        wrong::prepare(self).await?;
        UnderLoad::start(self.site).await
    }

    /// A bit of everything.
    pub(super) async fn usual(&mut self) -> Result<String> {
        let work = self.begin().await?;
        // In one commit, and back: what is dropped is drained first.
        self.change(&work, &["kafka"]).await?;
        let commit = self.repository.revert().await?;
        self.values["broker"] = json!({"active": "redis", "subscribe": []});
        let reverted = self.argocd.synced(&commit, SYNC).await;
        reverted.context("the revert of a change of broker")?;
        work.go_on().await?;
        let wrong = &wrong::all(self.site)?[0];
        let told = wrong.try_on(self, &work).await.context(wrong.0)?;
        self.change(&work, &["redis", "rabbitmq"]).await?;
        let retired = json!({"broker": {"subscribe": ["rabbitmq"]}});
        self.sync(&retired, "Redis retires").await?;
        Ok(format!("{told}; {}", work.perfect().await?))
    }

    /// A second topic, with its publisher and subscribers.
    pub(super) async fn grows(&mut self) -> Result<String> {
        let work = self.begin().await?;
        self.sync(&grown(), "A topic, who publishes to it and two subscribers")
            .await?;
        self.heard_by_all(work).await
    }

    /// Every wrong commit there is.
    pub(super) async fn all_wrong(&mut self) -> Result<String> {
        let work = self.begin().await?;
        let mut told = Vec::new();
        for wrong in wrong::all(self.site)? {
            told.push(wrong.try_on(self, &work).await.context(wrong.0)?);
        }
        told.push(work.perfect().await?);
        Ok(told.join("; "))
    }

    /// From each broker to the next one, which is the only one at once.
    pub(super) async fn round_trip(&mut self) -> Result<String> {
        let work = self.begin().await?;
        let mut told = Vec::new();
        for broker in ["kafka", "rabbitmq", "redis"] {
            let began = Instant::now();
            self.change(&work, &[broker]).await?;
            let took = began.elapsed().as_secs();
            told.push(format!("{broker} alone after {took} s"));
        }
        told.push(work.perfect().await?);
        Ok(told.join("; "))
    }

    async fn sync(&mut self, change: &Value, message: &str) -> Result<()> {
        let commit = self.commit(change, message).await?;
        let synced = self.argocd.synced(&commit, SYNC).await;
        synced.with_context(|| message.to_owned())
    }

    /// To the last of these brokers; all of them are heard.
    async fn change(&mut self, work: &UnderLoad, heard: &[&str]) -> Result<()> {
        let kubectl = &self.site.kubectl;
        let publishers = pods::names(kubectl, "task-api").await?;
        let active = heard.last();
        let change = json!({"broker": {"active": active, "subscribe": heard}});
        self.sync(&change, &format!("broker: {change}")).await?;
        self.in_order().await?;
        work.go_on().await?;
        pods::ended(kubectl, "task-api", &publishers).await?;
        work.drained().await.map(drop)
    }

    /// From now on everybody hears everything.
    async fn heard_by_all(&self, work: UnderLoad) -> Result<String> {
        let (kubectl, folder) = (&self.site.kubectl, &self.site.folder);
        let logs = NEW.map(|new| PodLogs::start(kubectl, new, folder));
        let earlier: HashSet<_> = work.acknowledged().await?.into_iter().collect();
        work.go_on().await?;
        let (figures, ledger) = work.stop_but(0).await?;
        let mut later = ledger.acknowledged_tasks();
        later.retain(|task| !earlier.contains(task));
        for (new, logs) in NEW.into_iter().zip(logs) {
            let heard = &logs?.effects;
            let what = format!("everything later at {new}");
            heard.wait_for(&what, SETTLED, &later).await?;
            heard.settle(QUIET).await?;
            let heard = heard.look().await?;
            let doubled = heard.values().filter(|effects| **effects > 1).count();
            ensure!(doubled == 0, "{new} acted twice on {doubled} events");
        }
        let (later, new) = (later.len(), NEW.join(", "));
        Ok(format!(
            "{figures}; all {later} later ones once at {new}, too"
        ))
    }

    /// The preflight ended before the first new publisher began, and the smoke test came after it.
    async fn in_order(&self) -> Result<()> {
        let kubectl = &self.site.kubectl;
        let preflight = kubectl.get("job task-pubsub-preflight").await?;
        let smoke = kubectl.get("job task-pubsub-smoke").await?;
        let proven = preflight["status"]["completionTime"].as_str();
        let proven = proven.context("the preflight has not ended")?;
        let smoked = smoke["status"]["startTime"].as_str();
        let smoked = smoked.context("no smoke test has begun")?;
        for pod in pods::of(kubectl, "task-api").await? {
            let in_order = proven <= &*pod.created && &*pod.created <= smoked;
            ensure!(in_order, "not between {proven} and {smoked}: {pod:?}");
        }
        Ok(())
    }
}
