//! How a stack comes up.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::broker::Broker as _;

use super::{API, Stack, WORKER, endpoint, topics, without};
use crate::{
    endpoints::Endpoints,
    options::StackOptions,
    pod::Pod,
    redis::Redis,
    resources::Resources,
    server::{ENTRIES, Server},
    site::Site,
};
use harness::{
    chart::{Chart, merge},
    folder::WorkFolder,
};

impl Stack {
    /// Starts everything and waits until both services are ready. Cancel safe: dropping the future kills what runs.
    pub async fn start(options: StackOptions) -> Result<Self> {
        let folder = Arc::new(WorkFolder::create(&options.root)?);
        if options.keep {
            folder.keep()?;
        }
        Self::start_in(options, Arc::clone(&folder))
            .await
            .map_err(|error| {
                folder.leave();
                error.context(format!(
                    "the stack does not start; its logs are in {}",
                    folder.path().display()
                ))
            })
    }

    async fn start_in(options: StackOptions, folder: Arc<WorkFolder>) -> Result<Self> {
        let site = Site::new(
            options.toolbox.clone(),
            folder.path().to_owned(),
            options.restarts,
        );
        let mut redis = Redis::new(&options.toolbox.redis_server, folder.path().join("redis"))?;
        let mut servers = BTreeMap::new();
        for entry in ENTRIES {
            if let Some(server) = Server::new(entry, &options.toolbox, folder.path())? {
                servers.insert(entry, server);
            }
        }

        let values = values(&options, &redis, &servers);
        let chart = Chart::new(&options.toolbox.helm, options.chart.clone(), "task-pubsub");
        let rendered = chart.render(&values).await?;
        let mut resources = Resources::create(folder.path(), &secrets(&servers))?;
        resources.apply(&rendered)?;

        options.progress.step("starting Redis");
        redis.start().await?;
        for entry in ENTRIES.into_iter().filter(|entry| options.starts(entry)) {
            options
                .progress
                .step(&format!("starting the broker of {entry}"));
            let server = servers.get_mut(entry).with_context(|| without(entry))?;
            server.start().await?;
            server.prepare(&topics(&rendered)?).await?;
        }

        options
            .progress
            .step("starting the sidecars and the services");
        let (worker, api) = (
            rendered.deployment_of(WORKER)?,
            rendered.deployment_of(API)?,
        );
        let worker =
            Pod::start(&site, &resources, worker, &options.worker, &BTreeMap::new()).await?;
        let api = Pod::start(&site, &resources, api, &options.api_app(), &options.api_env).await?;
        let (http, deadline) = (site.http(), options.ready);
        tokio::try_join!(worker.ready(http, deadline), api.ready(http, deadline))?;

        let endpoints = Endpoints::new();
        endpoints.add(endpoint(&api)?);
        let stack = Self {
            api,
            worker,
            redis,
            servers,
            endpoints,
            resources,
            rendered,
            values,
            chart,
            options,
            site,
            folder,
        };
        Ok(stack)
    }
}

/// What a laptop changes in the chart's values: addresses, and logs that people can read.
fn values(options: &StackOptions, redis: &Redis, servers: &BTreeMap<&str, Server>) -> Value {
    let mut values = json!({
        "broker": {"active": options.broker, "subscribe": options.subscribe},
        "brokers": {"redis": redis.values()},
        "stateStore": {"host": redis.address()},
        "log": {"format": "text"},
    });
    for (entry, server) in servers {
        merge(&mut values, &json!({"brokers": {*entry: server.values()}}));
    }
    merge(&mut values, &options.values);
    values
}

/// Those of all brokers, as a cluster has them before anything refers to them.
fn secrets(servers: &BTreeMap<&str, Server>) -> Value {
    let mut secrets = json!({});
    for server in servers.values() {
        merge(&mut secrets, &server.secrets());
    }
    secrets
}
