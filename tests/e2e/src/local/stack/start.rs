//! How a stack comes up.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::local::broker::Broker as _;

use super::{API, Stack, WORKER, endpoint};
use crate::local::{
    chart::{Chart, merge},
    endpoints::Endpoints,
    folder::WorkFolder,
    kafka::Kafka,
    options::StackOptions,
    pod::Pod,
    redis::Redis,
    resources::Resources,
    site::Site,
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
        let site = Site::new(options.toolbox.clone(), folder.path().to_owned());
        let mut redis = Redis::new(&options.toolbox.redis_server, folder.path().join("redis"))?;
        let kafka = options.toolbox.kafka.clone();
        let mut kafka = kafka
            .map(|tools| Kafka::new(tools, folder.path().join("kafka")))
            .transpose()?;

        let values = values(&options, &redis, kafka.as_ref());
        let chart = Chart::new(&options.toolbox.helm, options.chart.clone(), "task-pubsub");
        let rendered = chart.render(&values).await?;
        let mut resources = Resources::create(folder.path())?;
        resources.apply(&rendered)?;

        options.progress.step("starting Redis");
        redis.start().await?;
        if options.starts_kafka() {
            options.progress.step("starting Kafka");
            kafka
                .as_mut()
                .context("Kafka is wanted, but the toolbox has none")?
                .start()
                .await?;
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
            kafka,
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
fn values(options: &StackOptions, redis: &Redis, kafka: Option<&Kafka>) -> Value {
    let mut values = json!({
        "broker": {"active": options.broker, "subscribe": options.subscribe},
        "brokers": {"redis": {"host": redis.address()}},
        "stateStore": {"host": redis.address()},
        "log": {"format": "text"},
    });
    if let Some(kafka) = kafka {
        merge(
            &mut values,
            &json!({"brokers": {"kafka": {"brokers": kafka.address()}}}),
        );
    }
    merge(&mut values, &options.values);
    values
}
