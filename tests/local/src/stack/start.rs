//! How a stack comes up.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use harness::chart::{Chart, merge};
use harness::folder::WorkFolder;
use harness::toolbox::BROKERS;
use harness::workspace;
use serde_json::{Value, json};

use super::{API, Stack, WORKER, endpoint, topics, without};
use crate::endpoints::Endpoints;
use crate::pod::Pod;
use crate::resources::Resources;
use crate::site::Site;
use crate::{BrokerProcess, StackOptions};

impl Stack {
    /// Starts everything and waits until both services are ready. Cancel safe: dropping the future kills what runs.
    pub async fn start(options: StackOptions) -> Result<Self> {
        let folder = Arc::new(WorkFolder::create(&workspace().join("target/stacks"))?);
        if options.keep {
            folder.keep()?;
        }
        Self::start_in(options, Arc::clone(&folder))
            .await
            .map_err(|error| {
                let _ = folder.keep();
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
        let mut brokers = BTreeMap::new();
        for entry in BROKERS {
            if let Some(broker) = BrokerProcess::new(entry, &options.toolbox, folder.path())? {
                brokers.insert(entry, broker);
            }
        }

        let values = values(&options, &brokers);
        let chart = Chart::new(&options.toolbox.helm);
        let rendered = chart.render(&values).await?;
        let secrets = brokers.values().flat_map(|it| it.secrets().clone());
        let mut resources = Resources::create(folder.path(), &secrets.collect())?;
        resources.apply(&rendered)?;

        for entry in BROKERS.into_iter().filter(|entry| options.starts(entry)) {
            options.progress.set_message(format!("start: {entry}"));
            broker(&mut brokers, entry, &topics(&rendered)?).await?;
        }

        options.progress.set_message("start: sidecars and services");
        let (worker, api) = (
            rendered.deployment_of(WORKER)?,
            rendered.deployment_of(API)?,
        );
        let (app, none) = (options.app(WORKER), BTreeMap::new());
        let worker = Pod::start(&site, &resources, worker, &app, &none)?;
        let api = Pod::start(&site, &resources, api, &options.app(API), &options.api_env)?;
        let (http, deadline) = (&site.http, options.ready);
        tokio::try_join!(worker.ready(http, deadline), api.ready(http, deadline))?;

        let endpoints = Endpoints::default();
        endpoints.add(endpoint(&api)?);
        let stack = Self {
            api,
            worker,
            brokers,
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

/// Starts one broker and makes in it what must be there before the product comes.
pub(super) async fn broker(
    brokers: &mut BTreeMap<&'static str, BrokerProcess>,
    entry: &str,
    topics: &[String],
) -> Result<()> {
    let broker = brokers.get_mut(entry).with_context(|| without(entry))?;
    broker.start().await?;
    broker.prepare(topics).await
}

/// What a laptop changes in the chart's values: addresses, and logs that people can read.
fn values(options: &StackOptions, brokers: &BTreeMap<&str, BrokerProcess>) -> Value {
    let mut values = json!({
        "broker": {"active": options.broker},
        "log": {"format": "text"},
    });
    for (entry, broker) in brokers {
        merge(&mut values, &json!({"brokers": {*entry: broker.values()}}));
    }
    values["stateStore"] = json!({"host": values["brokers"]["redis"]["host"]});
    merge(&mut values, &options.values);
    values
}
