//! The whole product on this machine: brokers, the rendered Dapr objects, two sidecars, two services.

mod change;
mod jobs;
mod start;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::future::try_join_all;
use harness::{Effects, MARK, Process, chart::Rendered};
use serde_json::Value;
use uuid::Uuid;

use crate::broker::Declaration;
use crate::{BrokerProcess, Endpoint, Endpoints, Http, Pod, Site};

/// How long the pods of a new stack may take to become ready.
const READY: Duration = Duration::from_mins(1);

const API: &str = "task-api";
const WORKER: &str = "task-worker";

/// A running stack. Dropping it kills every process and removes the work folder; [`Stack::shutdown`] does it in order.
#[derive(Debug)]
pub struct Stack {
    // Dropped from top to bottom: apps before brokers, and the folder when nobody writes to it any more.
    /// The `task-api` that serves now.
    pub api: Pod,
    /// The `task-worker` that serves now.
    pub worker: Pod,
    /// Further pods, in the order of their options.
    pub beside: Vec<Pod>,
    brokers: BTreeMap<&'static str, BrokerProcess>,
    /// The instances of `task-api` that take requests.
    pub endpoints: Endpoints,
    pub(crate) rendered: Rendered,
    values: Value,
    pub(crate) site: Site,
}

impl Stack {
    /// Ends everything in the order of a clean uninstall, and removes the work folder unless it is to be kept.
    pub async fn shutdown(self) -> Result<()> {
        self.endpoints.remove(&self.api.service()?.url());
        let pods = [self.api, self.worker].into_iter().chain(self.beside);
        try_join_all(pods.map(Pod::terminate)).await?;
        for mut broker in self.brokers.into_values() {
            broker.stop().await?;
        }
        Ok(())
    }

    /// An error that names the first process which ended although nobody asked it to, with its last log lines. Of services and
    /// sidecars that are started again, none.
    pub fn check(&self) -> Result<()> {
        let mut brokers = self.brokers.values().filter_map(|it| it.process.as_ref());
        brokers.try_for_each(Process::runs)?;
        if self.site.options.restarts {
            return Ok(());
        }
        let pods = [&self.api, &self.worker].into_iter().chain(&self.beside);
        let mut processes = pods.flat_map(Pod::processes);
        processes.try_for_each(|process| process.runs())
    }

    /// Waits until both pods are ready, whoever has started their parts again.
    pub async fn ready(&self) -> Result<()> {
        both_ready(&self.site.http, &self.api, &self.worker).await
    }

    /// Services and sidecars that have ended and were started again since this was last asked, a line each.
    pub fn take_restarts(&self) -> Vec<String> {
        let restarts = self.site.kubelet.as_ref();
        let restarts = restarts.map(|it| it.lock().unwrap_or_else(PoisonError::into_inner));
        restarts.map_or_else(Vec::new, |mut it| std::mem::take(&mut *it))
    }

    /// The broker of an entry, running or not; an error when the toolbox lacks its programs. `redis` is the state store, too.
    pub(crate) fn broker(&mut self, entry: &str) -> Result<&mut BrokerProcess> {
        self.brokers.get_mut(entry).with_context(|| without(entry))
    }

    /// Where the active broker is, as values of its entry.
    pub fn broker_values(&self) -> &Value {
        &self.declaration().values
    }

    /// The process of the active broker, where it has one.
    pub fn broker_id(&self) -> Option<i32> {
        Some(self.brokers[self.active()].process.as_ref()?.id())
    }

    /// What Redis answers to a command.
    pub async fn redis(&self, command: &[&str]) -> Result<String> {
        let redis = &self.brokers["redis"].declaration;
        redis.reader.redis(command).await
    }

    pub(crate) fn declaration(&self) -> &Declaration {
        &self.brokers[self.active()].declaration
    }

    /// Starts the broker of an entry and makes in it what must be there before the product comes.
    pub async fn start_broker(&mut self, entry: &str) -> Result<()> {
        start::broker(&mut self.brokers, entry, &self.rendered).await
    }

    /// All dead letters of the worker on the active broker, as text in which event ids can be looked for.
    pub async fn dead_letters(&self) -> Result<String> {
        let component = format!("pubsub-{}", self.active());
        let subscriptions = self.rendered.of_kind("Subscription");
        let mut specs = subscriptions.map(|subscription| &subscription["spec"]);
        // On RabbitMQ it is not the topic of the values.
        let spec = specs.find(|spec| spec["pubsubname"] == component);
        let topic = spec.and_then(|spec| spec["deadLetterTopic"].as_str());
        let topic = topic.with_context(|| format!("no dead-letter topic of {component}"))?;
        let reader = &self.declaration().reader;
        reader.read(self.http(), topic).await
    }

    /// The log of all processes of an app in this stack, in the order in which they wrote.
    pub fn log(&self, app: &str) -> PathBuf {
        self.site.folder.path.join(format!("{app}.log"))
    }

    /// A client of the publisher's sidecar, as the publisher has one.
    pub fn api_client(&self) -> Result<dapr_pubsub::Sidecar> {
        let mut options = dapr_pubsub::SidecarOptions::new(self.api.sidecar.grpc_url());
        options.api_token = Some(self.site.dapr_api_token.clone().into());
        Ok(dapr_pubsub::Sidecar::new(&options)?)
    }

    /// What the worker's log tells of effects.
    pub fn effects(&self) -> Effects {
        Effects::of(&self.log(WORKER))
    }

    /// The line in this app's log that tells of the effect of a task, or an order.
    pub fn line_of(&self, app: &str, id: Uuid) -> Result<String> {
        let (log, id) = (fs::read_to_string(self.log(app))?, id.to_string());
        let mut lines = log.lines().filter(|line| line.contains(MARK));
        let line = lines.find(|line| line.contains(&id)).map(str::to_owned);
        line.with_context(|| format!("no line for {id}"))
    }

    /// Leaves the work folder with all logs in place for good: for whoever looks for a cause.
    pub fn keep_logs(&self) -> &Path {
        self.site.folder.keep();
        &self.site.folder.path
    }

    /// The pooled client.
    pub fn http(&self) -> &Http {
        &self.site.http
    }

    /// `broker.active`.
    pub fn active(&self) -> &str {
        self.values["broker"]["active"].as_str().unwrap_or_default()
    }
}

async fn both_ready(http: &Http, api: &Pod, worker: &Pod) -> Result<()> {
    tokio::try_join!(api.ready(http, READY), worker.ready(http, READY)).map(drop)
}

fn without(entry: &str) -> String {
    format!("this stack was started without the programs for {entry}")
}

fn endpoint(pod: &Pod) -> Result<Endpoint> {
    let component = pod.template.variable("PUBSUB_NAME")?;
    let broker = component.strip_prefix("pubsub-").unwrap_or(component);
    let (url, broker) = (pod.service()?.url(), broker.to_owned());
    Ok(Endpoint { url, broker })
}
