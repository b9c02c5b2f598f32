//! `task-gate trim`: streams that do not grow for ever.
//!
//! Redis keeps an entry until somebody removes it, and trimming by length or age may take what nobody has read. Each group's
//! position says what all are done with.

use std::collections::BTreeMap;

use crate::End;
use crate::ask::Asking;
use crate::config::TrimArgs;
use crate::drain::{self, Source};
use crate::metadata::Metadata;
use crate::objects::Component;
use crate::progress::say;
use crate::question::{self, Question};
use crate::redis::{self, Trimmed};
use crate::text::{count, plural};

/// One stream and who reads it.
struct Stream<'a> {
    component: &'a Component,
    /// An app that reads it: whose eyes the metadata is seen with.
    app: String,
    topic: String,
    readers: Vec<Result<String, String>>,
}

/// Trims every Redis stream of a Subscription.
pub(crate) fn run(args: &TrimArgs) -> End {
    let Source { objects, namespace } = match drain::source(&args.source, &args.cluster) {
        Ok(source) => source,
        Err(end) => return end,
    };
    let asking = Asking::new(&args.ask, namespace);
    let questions = question::all(&objects);
    let streams = streams(&asking, &questions);
    let results = asking.each(&streams, |stream| trim(&asking, stream, args.dry_run));
    let mut failed = 0;
    for (stream, result) in streams.iter().zip(results) {
        let place = format!("{} {}", stream.component.name(), stream.topic);
        match result {
            Ok(trimmed) => {
                for line in lines(&place, &trimmed, args.dry_run) {
                    say(&line);
                }
            }
            Err(reason) => {
                failed += 1;
                say(&format!("{place}: unknown: {reason}"));
            }
        }
    }
    for component in objects.pubsubs().filter(|one| !is_redis(one)) {
        say(&format!(
            "{}: {}",
            component.name(),
            keeper(&component.spec.kind)
        ));
    }
    match failed {
        0 => End::Fine,
        _ => End::Refused(format!(
            "{} could not be trimmed; see above",
            plural(failed, "stream")
        )),
    }
}

fn is_redis(component: &Component) -> bool {
    component.spec.kind == "pubsub.redis"
}

fn trim(asking: &Asking, stream: &Stream<'_>, rehearsal: bool) -> Result<Trimmed, String> {
    let metadata = seen(asking, stream.component, &stream.app);
    let readers: Vec<String> = stream.readers.iter().cloned().collect::<Result<_, _>>()?;
    redis::trim(
        &metadata,
        &metadata.topic(&stream.topic),
        &readers,
        rehearsal,
        asking.timeout(),
    )
}

fn seen(asking: &Asking, component: &Component, app: &str) -> Metadata {
    Metadata::new(component, app, &asking.namespace, &asking.secrets)
}

/// The streams of all Subscriptions, and those of their dead letters, which have readers only if somebody made them a group.
fn streams<'a>(asking: &Asking, questions: &[Question<'a>]) -> Vec<Stream<'a>> {
    let mut streams: BTreeMap<(&str, &str), Stream<'a>> = BTreeMap::new();
    let redis = |question: &&Question<'a>| is_redis(question.component);
    for question in questions.iter().filter(redis) {
        let app = &question.triple.consumer;
        let reader = if app.is_empty() {
            Err("a Subscription has no scopes, so who reads is not known".to_owned())
        } else {
            seen(asking, question.component, app)
                .consumer()
                .map(str::to_owned)
        };
        let topics = [
            Some(&question.triple.topic),
            question.dead_letter_topic.as_ref(),
        ];
        for (at, topic) in topics.into_iter().enumerate() {
            let Some(topic) = topic else { continue };
            let stream = streams
                .entry((question.component.name(), topic))
                .or_insert_with(|| Stream {
                    component: question.component,
                    app: app.clone(),
                    topic: topic.clone(),
                    readers: Vec::new(),
                });
            if at == 0 {
                stream.readers.push(reader.clone());
            }
        }
    }
    streams.into_values().collect()
}

fn lines(place: &str, trimmed: &Trimmed, rehearsal: bool) -> Vec<String> {
    let done = if rehearsal { "would go" } else { "removed" };
    let many = if trimmed.entries == 1 {
        "entry"
    } else {
        "entries"
    };
    let of = format!("{} {many}", count(trimmed.entries));
    let mut lines = vec![match (&trimmed.kept, &trimmed.needed) {
        (Some(reason), _) => format!("{place}: kept {of}: {reason}"),
        (None, needed) => format!(
            "{place}: {} of {of} {done}; {} is still needed",
            count(trimmed.removed),
            needed.as_deref().unwrap_or("nothing")
        ),
    }];
    for (group, position) in &trimmed.strangers {
        lines.push(format!(
            "{place}: the group {group} belongs to no Subscription and holds everything from {position} on; if nobody reads by it, \
             remove it with XGROUP DESTROY"
        ));
    }
    lines
}

/// What keeps the events of another broker.
fn keeper(kind: &str) -> &'static str {
    match kind {
        "pubsub.kafka" => {
            "Kafka keeps events for the topic's retention.ms and retention.bytes, read or not; nothing to trim"
        }
        "pubsub.rabbitmq" => {
            "RabbitMQ keeps an event until its queue's consumer acknowledges it; nothing to trim"
        }
        "pubsub.aws.snssqs" => {
            "SQS keeps an event until it is deleted, at most for the queue's retention, 4 days by default; nothing to trim"
        }
        "pubsub.gcp.pubsub" => {
            "Pub/Sub keeps an event until it is acknowledged, at most for the subscription's retention, 7 days by default; nothing to trim"
        }
        "pubsub.azure.servicebus.topics" | "pubsub.azure.servicebus.queues" => {
            "Service Bus keeps an event until it is completed, at most for its time to live; nothing to trim"
        }
        "pubsub.pulsar" => {
            "Pulsar keeps an event until every subscription has acknowledged it, and longer where the namespace has a retention; nothing to trim"
        }
        "pubsub.jetstream" => {
            "JetStream keeps an event for the stream's limits (max_age, max_bytes), read or not; nothing to trim"
        }
        _ => "the gate does not know what keeps its events",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trimmed() -> Trimmed {
        Trimmed {
            entries: 1_204,
            removed: 1_000,
            needed: Some("5-1".to_owned()),
            kept: None,
            strangers: vec![("old".to_owned(), "2-0".to_owned())],
        }
    }

    #[test]
    fn a_line_says_what_went_and_what_is_needed() {
        let lines = lines("p t", &trimmed(), false);
        assert_eq!(
            lines[0],
            "p t: 1,000 of 1,204 entries removed; 5-1 is still needed"
        );
        assert!(lines[1].starts_with(
            "p t: the group old belongs to no Subscription and holds everything from 2-0 on"
        ));
    }

    #[test]
    fn a_rehearsal_and_a_reason_are_told_apart() {
        let mut trimmed = trimmed();
        assert!(lines("p t", &trimmed, true)[0].contains("would go"));
        trimmed.kept = Some("nobody has read it yet".to_owned());
        trimmed.entries = 1;
        assert_eq!(
            lines("p t", &trimmed, true)[0],
            "p t: kept 1 entry: nobody has read it yet"
        );
    }
}
