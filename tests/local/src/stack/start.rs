//! How a stack comes up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use harness::chart::{Rendered, merge, render};
use harness::{WorkFolder, toolbox::BROKERS, workspace};
use serde_json::{Value, json};

use super::{API, READY, Stack, WORKER, both_ready, endpoint, without};
use crate::{BrokerProcess, Endpoints, Pod, Resources, Site, StackOptions};

impl Stack {
    /// Starts everything and waits until both services are ready. Cancel safe: dropping the future kills what runs.
    pub async fn start(options: StackOptions) -> Result<Self> {
        let folder = Arc::new(WorkFolder::create(&workspace().join("target/stacks"))?);
        if options.keep {
            folder.keep();
        }
        let started = Self::start_in(options, Arc::clone(&folder)).await;
        started.with_context(|| {
            folder.keep();
            let logs = folder.path.display();
            format!("the stack does not start; its logs are in {logs}")
        })
    }

    async fn start_in(options: StackOptions, folder: Arc<WorkFolder>) -> Result<Self> {
        let mut brokers = BTreeMap::new();
        for entry in BROKERS.keys() {
            if let Some(broker) = BrokerProcess::new(entry, &options.toolbox, &folder.path)? {
                brokers.insert(entry.as_str(), broker);
            }
        }

        let values = values(&options, &brokers);
        let rendered = render(options.toolbox.path("helm")?, &values).await?;
        let secrets = brokers.values();
        let secrets = secrets.flat_map(|it| it.declaration.secrets.clone());
        let mut resources = Resources::create(&folder.path, &secrets.collect())?;
        resources.apply(&rendered)?;
        let site = Site::new(options, folder, resources);
        let options = &site.options;

        // Redis is the state store, too.
        for entry in BTreeSet::from(["redis", &options.broker]) {
            options.progress.set_message(format!("start: {entry}"));
            broker(&mut brokers, entry, &rendered).await?;
        }

        options.progress.set_message("start: sidecars and services");
        let start = |name: &str| {
            let template = rendered.deployment_of(name)?;
            Pod::start(&site, template, &options.app(name))
        };
        let (worker, api) = (start(WORKER)?, start(API)?);
        let beside = options.beside.iter().map(|name| start(name));
        let beside = beside.collect::<Result<Vec<_>>>()?;
        both_ready(&site.http, &api, &worker).await?;
        for pod in &beside {
            pod.ready(&site.http, READY).await?;
        }

        let endpoints = Endpoints::default();
        endpoints.add(endpoint(&api)?);
        Ok(Self {
            api,
            worker,
            beside,
            brokers,
            endpoints,
            rendered,
            values,
            site,
        })
    }
}

pub(super) async fn broker(
    brokers: &mut BTreeMap<&'static str, BrokerProcess>,
    entry: &str,
    rendered: &Rendered,
) -> Result<()> {
    let broker = brokers.get_mut(entry).with_context(|| without(entry))?;
    broker.start().await?;
    broker.declaration.reader.prepare(rendered).await
}

/// What a laptop changes in the chart's values: addresses, and logs that people can read.
fn values(options: &StackOptions, brokers: &BTreeMap<&str, BrokerProcess>) -> Value {
    let mut values = json!({
        "broker": {"active": options.broker},
        "log": {"format": "text"},
    });
    for (entry, broker) in brokers {
        values["brokers"][*entry] = broker.declaration.values.clone();
    }
    values["stateStore"] = json!({"host": values["brokers"]["redis"]["host"]});
    merge(&mut values, &options.values);
    values
}
