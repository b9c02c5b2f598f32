//! One event after the other through one broker: the tutorial's, traced ones, unusual ones, and those that nobody can read.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use dapr_pubsub::{NewEvent, Publisher, PublisherOptions};
use futures_util::future::try_join_all;
use harness::{Ledger, MARK, chart::text, command::output};
use serde_json::{Value, json};
use tokio::process::Command;
use uuid::Uuid;

use super::retries::{in_the_dead_letters, retried};
use super::{Setup, names, nothing_dead, post, rate, settled};
use crate::Stack;
use crate::load::{self, traceparent};

/// At once, so that the publisher sends batches: each event must keep its own trace in them.
const TRACES: u32 = 50;

/// Two bytes, three and four.
const TITLE: &str = "Grüße, 任务 🚀";

/// Below the 4 MiB of a sidecar, with its envelope. Other brokers than these take less.
const LARGE: usize = 7 << 19;
const TAKE_LARGE: [&str; 2] = ["redis", "rabbitmq"];

/// Events that nobody can read.
pub(super) const UNREADABLE: u64 = 3;

/// Unusual events, of each kind.
const UNUSUAL: usize = 4;
const DEADLINE: Duration = Duration::from_secs(40);

/// A record of somebody else's: partition keys and headers are bytes there.
const FOREIGN_RECORDS: &str = r#"
import sys, kafka
brokers, topic, *events = sys.argv[1:]
producer = kafka.KafkaProducer(bootstrap_servers=brokers, acks="all")
for number, event in enumerate(events):
    headers = [("note", b"\x00\x01\xff\r\n"), ("other", bytes(range(1, 32)))]
    producer.send(topic, key=bytes([0, 1, 255 - number]), value=event.encode(), headers=headers).get(20)
"#;

/// With a client of Kafka's own, or without one.
pub(super) async fn through(setup: Setup, broker: &str, client: &str) -> Result<String> {
    // One chain of deliveries: on Redis another one joins it after this time.
    let one = json!({"brokers": {"redis": {"processingTimeout": "20s"}}});
    let options = setup.with_broker(broker).with(&one);
    let mut stack = setup.start(options).await?;
    tutorial(&stack).await.context("the tutorial's request")?;
    let traces = traces(&stack).await.context("traces")?;
    let mut told = vec![format!("the tutorial's line; {traces} traces")];
    if TAKE_LARGE.contains(&broker) {
        told.push(unusual(&stack).await.context("unusual payloads")?);
    }
    if !client.is_empty() {
        told.push(foreign_records(&stack, client).await.context("records")?);
    }
    if names::NAMED.contains(&broker) {
        told.push(names::agree(&mut stack, client).await.context("names")?);
    } else {
        unreadable(&stack).await.context("unreadable events")?;
    }
    told.push(format!(
        "{UNREADABLE} unreadable events in the dead letters"
    ));
    stack.check()?;
    told.push(retried(&mut stack).await.context("retries")?);
    Ok(told.join("; "))
}

/// The tutorial's flow, byte for byte.
pub(super) async fn tutorial(stack: &Stack) -> Result<()> {
    let url = stack.endpoints.pick()?.url;
    let id = load::tutorial(stack.http(), &url).await?;
    let line = lines(stack, &[id]).await?.remove(0);
    let (_, data) = line.split_once(MARK).context("no data")?;
    let expected =
        format!(r#"{{"event_type":"task.created","task_id":"{id}","title":"Learn Dapr pub/sub"}}"#);
    ensure!(data == expected, "the worker's line is {data}");
    Ok(())
}

/// The worker's lines of these tasks, in this order, once they are there.
pub(super) async fn lines(stack: &Stack, tasks: &[Uuid]) -> Result<Vec<String>> {
    let effects = stack.effects();
    let what = "the worker's lines";
    effects.wait_for(what, DEADLINE, tasks).await?;
    let line = |task: &Uuid| stack.line_of("task-worker", *task);
    tasks.iter().map(line).collect()
}

/// One trace from the client's request to the worker's span.
async fn traces(stack: &Stack) -> Result<usize> {
    let requests = (0..rate(stack.active(), TRACES)).map(async |_| {
        let (trace, parent) = traceparent();
        let headers = [("traceparent", parent.as_bytes())];
        let task = post(stack, "Follow me", &headers).await?;
        anyhow::Ok((task, trace))
    });
    let traces: HashMap<_, _> = try_join_all(requests).await?.into_iter().collect();
    let tasks: Vec<_> = traces.keys().copied().collect();
    for (task, line) in tasks.iter().zip(lines(stack, &tasks).await?) {
        let trace = &traces[task];
        let whole = line.contains(trace);
        ensure!(whole, "the trace {trace} of {task} breaks: {line}");
    }
    Ok(tasks.len())
}

/// Attributes that are not ASCII, and as much data as a sidecar takes: one effect each.
async fn unusual(stack: &Stack) -> Result<String> {
    let ledger = Ledger::default();
    let acknowledged = |task| ledger.acknowledged(stack.active(), task);
    let (large, mut foreign) = ("x".repeat(LARGE), Vec::new());
    // A vendor has left there what is not ASCII.
    let state = ("tracestate", "vendor=größer".as_bytes());
    for number in 0..2 * UNUSUAL {
        // What comes behind large ones is not held up. The API takes no such titles.
        if number == UNUSUAL {
            for task in [(); UNUSUAL].map(|()| Uuid::now_v7()) {
                publish(stack, None, task, &created(task, &large)).await?;
                acknowledged(task);
            }
        }
        let (_, parent) = traceparent();
        let headers = [("traceparent", parent.as_bytes()), state];
        let task = post(stack, TITLE, &headers).await?;
        acknowledged(task);
        foreign.push(task);
    }
    let count = settled(stack, &stack.effects(), &ledger, 0).await?;
    nothing_dead(stack).await?;
    for line in lines(stack, &foreign).await? {
        ensure!(line.contains(TITLE), "another title: {line}");
    }
    let (size, figures) = (LARGE >> 10, count.exactly_once()?);
    Ok(format!("{UNUSUAL} of {size} KiB: {figures}"))
}

/// Whatever bytes a record has in its key and headers, its event has its effect, and nothing waits behind it.
async fn foreign_records(stack: &Stack, client: &str) -> Result<String> {
    let python = stack.site.options.toolbox.path(client)?;
    let brokers = stack.declaration().values["brokers"].clone();
    let topic = stack.api.template.variable("TOPIC")?;
    let (mut tasks, mut producer) = (Vec::new(), Command::new(python));
    producer.args(["-c", FOREIGN_RECORDS, &text(&brokers), topic]);
    for _ in 0..UNUSUAL {
        let task = Uuid::now_v7();
        let event = json!({
            "specversion": "1.0", "id": task, "source": "elsewhere", "type": "com.example.task",
            "datacontenttype": "application/json", "data": created(task, TITLE),
        });
        producer.arg(event.to_string());
        tasks.push(task);
    }
    output(&mut producer, DEADLINE, "").await?;
    lines(stack, &tasks).await?;
    nothing_dead(stack).await?;
    Ok(format!("{UNUSUAL} records with binary keys and headers"))
}

/// Publishes past the API, as other publishers would: in an envelope that is made here for this app-id, or in daprd's.
pub(super) fn publisher(stack: &Stack, app_id: Option<&str>) -> Result<Publisher> {
    let (sidecar, api) = (stack.api_client()?, &stack.api.template);
    let mut options = PublisherOptions::new(api.variable("PUBSUB_NAME")?, api.variable("TOPIC")?);
    options.app_id = app_id.map(str::to_owned);
    Ok(Publisher::new(&sidecar, options))
}

async fn publish(stack: &Stack, app_id: Option<&str>, id: Uuid, data: &Value) -> Result<()> {
    let event = NewEvent::json(id.to_string(), data)?;
    let publisher = publisher(stack, app_id)?;
    Ok(publisher.publish(event, DEADLINE).await?)
}

pub(super) fn created(task: Uuid, title: &str) -> Value {
    json!({"event_type": "task.created", "task_id": task, "title": title})
}

/// What cannot be read or makes no sense is in the dead letters at once, as it was published: the same in daprd's envelope and in ours.
pub(super) async fn unreadable(stack: &Stack) -> Result<()> {
    let wrong_shape = json!({"event_type": "task.created", "task_id": 7});
    let no_title = created(Uuid::now_v7(), "");
    let app_id = stack.api.template.annotation("app-id");
    let mut ids = Vec::new();
    for (app_id, data) in [(None, &wrong_shape), (None, &no_title), (app_id, &no_title)] {
        let id = Uuid::now_v7();
        publish(stack, app_id, id, data).await?;
        ids.push(id.to_string());
    }
    let letters = in_the_dead_letters(stack, &ids).await?;
    let text = letters.replace(r#"\""#, "\"");
    let (theirs, ours) = (envelope(&text, &ids[1])?, envelope(&text, &ids[2])?);
    ensure!(theirs == ours, "daprd makes {theirs}, and here is {ours}");
    Ok(())
}

/// The event with this id, but for what is of its own: whatever a broker's files have around it.
fn envelope(text: &str, id: &str) -> Result<Value> {
    let at = text.find(&format!("\"id\":\"{id}")).context("no id")?;
    let from = |(start, _)| {
        serde_json::Deserializer::from_str(&text[start..])
            .into_iter()
            .next()
    };
    let events = text[..at].rmatch_indices('{').filter_map(from);
    let mut events = events
        .filter_map(Result::ok)
        .filter(|event: &Value| event["id"] == id);
    let mut event = events.next().context("no event")?;
    let own = ["id", "time", "traceid", "traceparent", "tracestate"];
    let all = event.as_object_mut().context("no object")?;
    all.retain(|name, _| !own.contains(&name.as_str()));
    Ok(event)
}
