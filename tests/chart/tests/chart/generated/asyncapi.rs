//! `docs/asyncapi.json`: the events as the services describe them (`services/<name>/events.json`), and who publishes and hears them, by the graph
//! of the chart's values.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use harness::chart::{folder, items, merge};
use harness::workspace;
use serde_json::Value;
use service_kit::asyncapi::{Channel, Event, document};

use super::compare;
use crate::installations::{values, yaml};

#[test]
fn asyncapi_is_that_of_the_events_and_the_graph() -> Result<()> {
    let mut graph = yaml(&folder().join("values.yaml"))?;
    for (name, values) in values()? {
        if name == "orders" || name.starts_with("service-") {
            merge(&mut graph, &values);
        }
    }
    let mut topics = BTreeMap::new();
    for (key, topic) in graph["topics"].as_object().context("no topics")? {
        let address = topic["name"].as_str().context("no name")?.to_owned();
        let channel = Channel {
            address,
            ..Channel::default()
        };
        topics.insert(key.clone(), channel);
    }
    for (name, service) in graph["services"].as_object().context("no services")? {
        for heard in items(&service["subscribes"]) {
            let channel = channel(&mut topics, &heard["topic"])?;
            channel.receivers.push(name.clone());
        }
        if service["publishes"].is_null() {
            continue;
        }
        for key in items(&service["publishes"]) {
            channel(&mut topics, key)?.senders.push(name.clone());
        }
        let file = workspace().join("services").join(name).join("events.json");
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        for event in serde_json::from_str::<Vec<Event>>(&text)? {
            let channel = channel(&mut topics, &Value::from(&*event.topic))?;
            let (kind, named) = (&event.event_type, channel.senders.contains(name));
            ensure!(named, "`publishes` of {name} names no topic of {kind}");
            let mut others = channel.events.iter();
            match others.find(|it| it.event_type == *kind) {
                None => channel.events.push(event),
                Some(it) => ensure!(
                    it.data == event.data,
                    "{kind}: not the same of two services"
                ),
            }
        }
    }
    let description = "What the services of this repository publish, and who hears it. Brokers, and what they are called at one place or another, \
                       are values of the chart.";
    let (name, version) = ("task-pubsub", env!("CARGO_PKG_VERSION"));
    let document = document(name, version, description, &topics);
    let text = serde_json::to_string_pretty(&document)? + "\n";
    compare(&workspace().join("docs/asyncapi.json"), &text)
}

fn channel<'a>(topics: &'a mut BTreeMap<String, Channel>, key: &Value) -> Result<&'a mut Channel> {
    let channel = key.as_str().and_then(|key| topics.get_mut(key));
    channel.with_context(|| format!("no topic {key}"))
}
