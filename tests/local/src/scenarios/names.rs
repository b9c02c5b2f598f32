//! What topics, groups and queues are called: the broker's own word, against what the chart has KEDA, the gate and dead letters go by.

use anyhow::{Context as _, Result};
use harness::chart::{items, merge, text};
use harness::until;
use serde_json::{Value, json};

use super::{DEADLINE, flow, posts};
use crate::Stack;
use crate::broker::Readers;

/// Of what types of broker the chart knows that.
pub(super) const NAMED: [&str; 3] = ["redis", "kafka", "rabbitmq"];

const EVENTS: usize = 7;

/// For the length of `work` the worker hears the broker by a second entry too, whose consumer has a name of its own. Afterwards names and
/// figures are the same on both sides. The client is Kafka's.
pub(super) async fn agree(stack: &mut Stack, client: &str) -> Result<String> {
    let broker = stack.active().to_owned();
    let mut renamed = stack.broker_values().clone();
    let own = match &*broker {
        "redis" => json!({"extraMetadata": [{"name": "consumerID", "value": "shop-{appID}"}]}),
        "kafka" => json!({"consumerGroup": "shop-{appID}", "authType": "none"}),
        _ => json!({"consumerID": "shop-{appID}"}),
    };
    merge(&mut renamed, &own);
    merge(&mut renamed, &json!({"type": broker}));
    let twice = json!({
        "broker": {"subscribe": [broker, "renamed"]},
        "brokers": {"renamed": renamed},
        "services": {"task-worker": {"autoscaling": {"scaler": "keda"}}},
    });
    stack.apply(&twice).await?;
    // What is published to RabbitMQ before a queue is bound there is lost.
    let topic = stack.api.template.variable("TOPIC")?;
    same(stack, client, topic).await?;
    flow::unreadable(stack).await?;
    let names = same(stack, client, "").await?;

    // What the new consumer gets once more has no effect.
    stack.drain("renamed", DEADLINE).await?;
    let worker = stack.worker.service()?.process();
    worker.suspend();
    let tasks = posts(stack, "Wait", EVENTS).await?;
    let figure = |row: &Value, name: &str| row[name].as_u64().unwrap_or_default();
    let right = |row: &Value| {
        let waits = figure(row, "backlog") + figure(row, "pending");
        waits == EVENTS as u64 && figure(row, "deadLetters") >= flow::UNREADABLE
    };
    until("what the gate says of both", DEADLINE, async || {
        let rows = stack.gate_rows().await?;
        let fine = rows.len() == 2 && rows.iter().all(right);
        Ok((!fine).then(|| json!(rows).to_string()))
    })
    .await?;
    worker.resume();
    flow::lines(stack, &tasks).await?;
    let once = json!({"broker": {"subscribe": []}});
    stack.apply(&once).await?;
    Ok(format!(
        "in the broker, for KEDA and for the gate: {names:?}"
    ))
}

/// Waits until the broker and the chart have the same topics with this end of their name, and the same readers of each.
async fn same(stack: &Stack, client: &str, end: &str) -> Result<Readers> {
    let mut chart = of_the_chart(stack)?;
    chart.retain(|topic, _| topic.ends_with(end));
    let client = stack.site.options.toolbox.path(client).ok();
    until("one name for everything", DEADLINE, async || {
        let reader = &stack.declaration().reader;
        let mut there = reader.readers(stack.http(), client).await?;
        there.retain(|topic, _| topic.ends_with(end));
        let other = || format!("{there:?} on the broker, {chart:?} in the chart");
        Ok((there != chart).then(other))
    })
    .await?;
    Ok(chart)
}

/// What KEDA's triggers and the Subscriptions name.
fn of_the_chart(stack: &Stack) -> Result<Readers> {
    let (mut readers, rendered) = (Readers::new(), &stack.rendered);
    let scaled = rendered.of_kind("ScaledObject").next();
    for trigger in items(&scaled.context("no ScaledObject")?["spec"]["triggers"]) {
        let component = format!("pubsub-{}", text(&trigger["name"]));
        let mut specs = rendered.of_kind("Subscription").map(|it| &it["spec"]);
        let spec = specs.find(|spec| spec["pubsubname"] == component);
        let (spec, reads) = (spec.context(component)?, &trigger["metadata"]);
        let first = |values: &[&Value]| {
            let mut named = values.iter().filter_map(|value| value.as_str());
            named.next().unwrap_or_default().to_owned()
        };
        // Of RabbitMQ a trigger names only the queue.
        let topic = first(&[&reads["stream"], &reads["topic"], &spec["topic"]]);
        let reader = first(&[&reads["consumerGroup"], &reads["queueName"]]);
        readers.entry(topic).or_default().insert(reader);
        let dead = first(&[&spec["deadLetterTopic"]]);
        // There a queue keeps them, as NOTES and the gate say.
        let queue = dead
            .strip_prefix("dlx-")
            .map(|queue| format!("dlq-{queue}"));
        readers.entry(dead).or_default().extend(queue);
    }
    Ok(readers)
}
