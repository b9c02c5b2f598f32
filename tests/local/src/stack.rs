//! The whole product on this machine: brokers, the rendered Dapr objects, two sidecars, two services.

mod change;
mod faults;
mod jobs;
mod start;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::broker::{Broker, Topics};

use super::{
    endpoints::{Endpoint, Endpoints},
    http::Http,
    options::StackOptions,
    pod::Pod,
    redis::Redis,
    resources::Resources,
    server::Server,
    sidecar::Sidecar,
    site::Site,
};
use harness::{
    chart::{Chart, Rendered},
    folder::WorkFolder,
    log,
    process::Process,
};

pub use change::Rollout;

const API: &str = "task-api";
const WORKER: &str = "task-worker";

/// A running stack. Dropping it kills every process and removes the work folder; [`Stack::shutdown`] does it in order.
#[derive(Debug)]
pub struct Stack {
    // Dropped from top to bottom: apps before brokers, and the folder when nobody writes to it any more.
    api: Pod,
    worker: Pod,
    redis: Redis,
    servers: BTreeMap<&'static str, Server>,
    endpoints: Endpoints,
    resources: Resources,
    rendered: Rendered,
    values: Value,
    chart: Chart,
    options: StackOptions,
    site: Site,
    folder: Arc<WorkFolder>,
}

impl Stack {
    /// Ends everything in the order of a clean uninstall, and removes the work folder unless it is to be kept.
    pub async fn shutdown(self) -> Result<()> {
        let Self {
            api,
            worker,
            mut redis,
            servers,
            endpoints,
            folder,
            ..
        } = self;
        endpoints.remove(api.name());
        tokio::try_join!(api.terminate(), worker.terminate())?;
        for mut server in servers.into_values() {
            server.stop().await?;
        }
        redis.stop().await?;
        drop(folder);
        Ok(())
    }

    /// An error that names the first process which ended although nobody asked it to, with its last log lines. Of services and
    /// sidecars that are started again, none.
    pub fn check(&self) -> Result<()> {
        let brokers = self.servers.values().filter_map(Broker::process);
        self.redis
            .process()
            .into_iter()
            .chain(brokers)
            .try_for_each(runs)?;
        if self.options.restarts {
            return Ok(());
        }
        let mut pods = self.api.processes().chain(self.worker.processes());
        pods.try_for_each(|process| runs(&process))
    }

    /// Services and sidecars that have ended and were started again since this was last asked, a line each.
    pub fn take_restarts(&self) -> Vec<String> {
        let kubelet = self.site.kubelet();
        kubelet.map_or_else(Vec::new, |kubelet| kubelet.take_restarts())
    }

    /// The instances of `task-api` that take requests.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The `task-api` that serves now.
    pub fn api(&self) -> &Pod {
        &self.api
    }

    /// The `task-worker` that serves now.
    pub fn worker(&self) -> &Pod {
        &self.worker
    }

    /// Redis, which is broker and state store.
    pub fn redis(&self) -> &Redis {
        &self.redis
    }

    /// Redis, to stop and start it.
    pub fn redis_mut(&mut self) -> &mut Redis {
        &mut self.redis
    }

    /// The broker of an entry beside Redis, running or not; an error when the toolbox lacks its programs.
    pub fn server(&self, entry: &str) -> Result<&Server> {
        let server = self.servers.get(entry);
        server.with_context(|| without(entry))
    }

    /// The same, to stop and start it.
    pub fn server_mut(&mut self, entry: &str) -> Result<&mut Server> {
        let server = self.servers.get_mut(entry);
        server.with_context(|| without(entry))
    }

    /// Starts the broker of an entry and makes in it what must be there before the product comes.
    pub async fn start_broker(&mut self, entry: &str) -> Result<()> {
        let topics = topics(&self.rendered)?;
        let server = self.server_mut(entry)?;
        server.start().await?;
        server.prepare(&topics).await
    }

    /// Everything that the broker of an entry has stored in `topic`, as text in which event ids can be looked for.
    pub async fn read_topic(&self, entry: &str, topic: &str) -> Result<Vec<String>> {
        if entry == "redis" {
            return self.redis.read(topic).await;
        }
        self.server(entry)?.read(topic).await
    }

    /// Where the worker's dead letters of this entry go.
    pub fn dead_letter_topic(&self, entry: &str) -> Result<&str> {
        let component = format!("pubsub-{entry}");
        let subscriptions = self.rendered.of_kind("Subscription");
        let mut specs = subscriptions.map(|subscription| &subscription.object["spec"]);
        let spec = specs.find(|spec| spec["pubsubname"] == component);
        spec.and_then(|spec| spec["deadLetterTopic"].as_str())
            .with_context(|| format!("no Subscription of {component} with a dead-letter topic"))
    }

    /// The log of all `task-worker` processes of this stack, in the order in which they wrote.
    pub fn worker_log(&self) -> PathBuf {
        self.folder.path().join(format!("{WORKER}.log"))
    }

    /// The file in which `task-worker` remembers its effects across a crash.
    pub fn worker_journal(&self) -> PathBuf {
        super::pod::journal_of(self.worker.name(), self.folder.path())
    }

    /// The log of all `task-api` processes of this stack.
    pub fn api_log(&self) -> PathBuf {
        self.folder.path().join(format!("{API}.log"))
    }

    /// Leaves the work folder with its logs in place until the next stack is started: for whoever reports a failure.
    pub fn leave_logs(&self) -> PathBuf {
        self.folder.leave();
        self.folder.path().to_owned()
    }

    /// Leaves them in place for good, beside a run's further stacks: for whoever looks for a cause.
    pub fn keep_logs(&self) -> Result<PathBuf> {
        self.folder.keep()?;
        Ok(self.folder.path().to_owned())
    }

    /// What all parts share: tools, folder, HTTP client.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The pooled client.
    pub fn http(&self) -> &Http {
        self.site.http()
    }

    /// What the chart renders for the current values.
    pub fn rendered(&self) -> &Rendered {
        &self.rendered
    }

    /// The values laid over the chart's.
    pub fn values(&self) -> &Value {
        &self.values
    }

    /// `broker.active`.
    pub fn broker(&self) -> &str {
        self.values
            .pointer("/broker/active")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// A further sidecar with the objects that are scoped to `app_id`, for an app of the caller's. It is the
    /// caller's to end, before the stack.
    pub async fn sidecar_for(&self, app_id: &str, app_port: Option<u16>) -> Result<Sidecar> {
        let mut template = self.worker.template().clone();
        template
            .annotations
            .insert("dapr.io/app-id".to_owned(), app_id.to_owned());
        let name = self.site.pod_name(app_id);
        let sidecar =
            Sidecar::start(&self.site, &self.resources, &template, &name, app_port).await?;
        sidecar.ready(self.http()).await?;
        Ok(sidecar)
    }
}

fn runs(process: &Process) -> Result<()> {
    let Some(status) = process.ended() else {
        return Ok(());
    };
    let (name, last) = (process.name(), log::tail(process.log(), 12));
    bail!("{name} ended ({status}):\n{last}")
}

fn without(entry: &str) -> String {
    format!("this stack was started without the programs for {entry}")
}

/// As the services know them.
fn topics(rendered: &Rendered) -> Result<Topics> {
    let (api, worker) = (
        rendered.deployment_of(API)?,
        rendered.deployment_of(WORKER)?,
    );
    Ok(Topics {
        events: api.variable("TOPIC")?.to_owned(),
        dead_letters: worker.variable("DEAD_LETTER_TOPIC")?.to_owned(),
    })
}

fn endpoint(pod: &Pod) -> Result<Endpoint> {
    Ok(Endpoint {
        pod: pod.name().to_owned(),
        url: pod.service()?.url(),
        broker: pod.broker().to_owned(),
    })
}
