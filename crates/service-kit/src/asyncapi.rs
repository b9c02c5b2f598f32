//! The description of events as [AsyncAPI](https://www.asyncapi.com/docs/reference/specification/v3.0.0) 3: which service sends and receives
//! what, on which topic. An API serves its own at `/asyncapi.json`; that of all services is made of these and of the chart's graph.

mod event;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

pub use event::Event;

use crate::topics::{Declares, Topics};

/// A topic: what is on it, who sends it and who receives it.
#[derive(Debug, Clone, Default)]
pub struct Channel {
    /// What the broker calls it.
    pub address: String,
    /// What is published to it.
    pub events: Vec<Event>,
    /// The services that publish to it.
    pub senders: Vec<String>,
    /// The services that hear it.
    pub receivers: Vec<String>,
}

/// The description of what one service sends.
pub(crate) fn of_service<D: Declares>(
    name: &str,
    version: &str,
    description: &str,
    topics: &Topics<D>,
) -> Value {
    let channel = |(key, address): (&str, &str)| {
        let mut events = D::events();
        events.retain(|event| event.topic == key);
        let channel = Channel {
            address: address.to_owned(),
            events,
            senders: vec![name.to_owned()],
            receivers: Vec::new(),
        };
        (key.to_owned(), channel)
    };
    let channels = topics.published().map(channel).collect();
    document(name, version, description, &channels)
}

/// The document; topics are by their keys in the chart's values.
pub fn document(
    title: &str,
    version: &str,
    description: &str,
    topics: &BTreeMap<String, Channel>,
) -> Value {
    let (mut channels, mut operations) = (Map::new(), Map::new());
    let (mut messages, mut schemas) = (Map::new(), Map::new());
    schemas.insert("CloudEvent".to_owned(), cloud_event());
    for (key, topic) in topics {
        let mut of_channel = Map::new();
        for event in &topic.events {
            let name = &event.event_type;
            let reference = json!({"$ref": format!("#/components/messages/{name}")});
            of_channel.insert(name.clone(), reference);
            messages.insert(name.clone(), message(event));
            schemas.extend(event.schemas.clone());
        }
        let channel = json!({"address": topic.address, "messages": of_channel});
        channels.insert(key.clone(), channel);
        for (action, services) in [("send", &topic.senders), ("receive", &topic.receivers)] {
            for service in services {
                let operation = json!({
                    "action": action,
                    "channel": {"$ref": format!("#/channels/{key}")},
                    "summary": format!("{service} {action}s what is on {}.", topic.address),
                    "tags": [{"name": service}],
                });
                operations.insert(format!("{service}-{action}-{key}"), operation);
            }
        }
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": title,
            "version": version,
            "description": description,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    })
}

fn message(event: &Event) -> Value {
    json!({
        "name": event.event_type,
        "title": event.event_type,
        "contentType": "application/cloudevents+json",
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/CloudEvent"},
                {"type": "object", "required": ["data"], "properties": {"data": event.data}},
            ],
        },
    })
}

/// The attributes that an event has on its way (`dapr_pubsub::CloudEvent`).
fn cloud_event() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    json!({
        "type": "object",
        "description": "CloudEvents 1.0, as Dapr writes it. Other attributes may be there, too.",
        "required": ["specversion", "id", "source", "type"],
        "properties": {
            "specversion": {"type": "string", "const": "1.0"},
            "id": text("With `source` it names the event: a redelivery has the same pair."),
            "source": text("The app-id of the service that has published it."),
            "type": text("`com.dapr.event.sent`; `com.task-pubsub.canary` is an event without an effect."),
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"type": "string", "const": "application/json"},
            "pubsubname": text("The Dapr component that it came through."),
            "topic": text("The topic that it was published to, also where it is a dead letter."),
            "traceparent": text("W3C trace context of the publisher."),
            "tracestate": text("W3C trace context of the publisher."),
        },
    })
}
