//! Calls to the sidecar, and what they mean for each event.
//!
//! An attempt has its whole time, however little its callers have left: they leave by themselves when theirs is up. While a
//! broker is away events get old in the queue, and the oldest go first. Attempts cut to what these have left would never give a
//! component the time to reconnect, for which RabbitMQ's waits half a second first.

use std::collections::HashMap;
use std::time::Duration;

use dapr::dapr::proto::runtime::v1::{
    BulkPublishRequest, BulkPublishRequestEntry, BulkPublishResponse, PublishEventRequest,
};
use futures_util::future::join_all;
use tokio::time::Instant;
use tonic::{Code, Request, Status};
use tracing::Instrument as _;

use super::envelope::RAW_PAYLOAD;
use super::error::code_name;
use super::queue::Entry;
use super::verdict::{BulkVerdict, Verdict, of_bulk, of_event};
use super::{PublishError, Shared, backoff};
use crate::telemetry::SYSTEM;

/// A further attempt is worth making only with this much time left.
const LEAST_ATTEMPT: Duration = Duration::from_millis(10);

/// Publishes events that may share a call.
pub(super) async fn together(shared: &Shared, mut entries: Vec<Entry>) {
    entries.retain(|entry| !entry.abandoned());
    if entries.len() < 2 {
        return apart(shared, entries).await;
    }
    match bulk(shared, &mut entries).await {
        Ok(answer) if answer.failed_entries.is_empty() => {
            for entry in entries {
                entry.settle(Ok(()));
            }
        }
        // daprd 1.18 never answers like this, but its API allows it.
        Ok(answer) => {
            let failed = answer.failed_entries.into_iter();
            let mut failed: HashMap<_, _> =
                failed.map(|entry| (entry.entry_id, entry.error)).collect();
            let mut again = Vec::new();
            for (index, mut entry) in entries.into_iter().enumerate() {
                match failed.remove(&index.to_string()) {
                    Some(error) => {
                        entry.failed(Status::internal(error), true);
                        again.push(entry);
                    }
                    None => entry.settle(Ok(())),
                }
            }
            apart(shared, again).await;
        }
        Err(status) => match of_bulk(&status) {
            BulkVerdict::Each(verdict) => {
                for entry in entries {
                    conclude(shared, entry, status.clone(), verdict);
                }
            }
            BulkVerdict::Unclear { unknown } => {
                tracing::debug!(
                    %status,
                    events = entries.len(),
                    "a bulk publish failed: its events are published one by one"
                );
                for entry in &mut entries {
                    entry.failed(status.clone(), unknown);
                }
                apart(shared, entries).await;
            }
        },
    }
}

/// Publishes each event by a call of its own, all at the same time: one that fails or gets no answer
/// does not touch the others.
pub(super) async fn apart(shared: &Shared, entries: Vec<Entry>) {
    join_all(entries.into_iter().map(|entry| single(shared, entry))).await;
}

async fn single(shared: &Shared, mut entry: Entry) {
    let remaining = entry.remaining(Instant::now());
    // So late another attempt would hardly be answered, and would only turn "refused" into "unknown".
    let least = if entry.attempts == 0 {
        Duration::ZERO
    } else {
        LEAST_ATTEMPT
    };
    if entry.abandoned() || remaining <= least {
        return entry.give_up(Instant::now());
    }
    entry.attempts += 1;
    let message = &entry.message;
    let mut metadata = message.metadata.clone();
    metadata.extend(raw_payload(message.whole));
    let mut request = Request::new(PublishEventRequest {
        pubsub_name: shared.options.pubsub.clone(),
        topic: topic(shared, &entry).to_owned(),
        data: message.data.to_vec(),
        data_content_type: message.content_type.clone(),
        metadata,
    });
    if let Some(trace) = &message.trace {
        trace.write(request.metadata_mut());
    }
    let answer = shared
        .sidecar
        .call(
            shared.options.attempt_timeout,
            request,
            async |mut client, request| client.publish_event(request).await,
        )
        .instrument(entry.span.clone())
        .await;
    shared.metrics.called(
        topic(shared, &entry),
        "single",
        code_name(answer.as_ref().map_or_else(Status::code, |()| Code::Ok)),
    );
    match answer {
        Ok(()) => entry.settle(Ok(())),
        Err(status) => {
            // What could be this event's own fault must not happen to others again.
            entry.alone |= matches!(of_bulk(&status), BulkVerdict::Unclear { .. });
            let verdict = of_event(&status);
            conclude(shared, entry, status, verdict);
        }
    }
}

async fn bulk(shared: &Shared, entries: &mut [Entry]) -> Result<BulkPublishResponse, Status> {
    // They have it in common.
    let topic = match entries.first() {
        Some(entry) => topic(shared, entry).to_owned(),
        None => shared.options.topic.clone(),
    };
    let span = tracing::debug_span!(
        "send_batch",
        otel.name = format!("send {topic}"),
        otel.kind = "client",
        messaging.system = SYSTEM,
        messaging.operation.type = "send",
        messaging.operation.name = "send_batch",
        messaging.destination.name = topic,
        messaging.batch.message_count = entries.len(),
    );
    // Either all of them are, or none: those that are not go alone then.
    let whole = entries.iter().all(|entry| entry.message.whole);
    let mut messages = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter_mut().enumerate() {
        entry.attempts += 1;
        span.follows_from(&entry.span);
        messages.push(BulkPublishRequestEntry {
            // Not the event's id: two callers may publish the same event at the same time.
            entry_id: index.to_string(),
            event: entry.message.data.to_vec(),
            content_type: entry.message.content_type.clone(),
            metadata: entry.message.metadata.clone(),
        });
    }
    let request = BulkPublishRequest {
        pubsub_name: shared.options.pubsub.clone(),
        topic: topic.clone(),
        entries: messages,
        metadata: raw_payload(whole).into_iter().collect(),
    };
    let answer = shared
        .sidecar
        .call(
            shared.options.attempt_timeout,
            request,
            async |mut client, request| client.bulk_publish_event(request).await,
        )
        .instrument(span)
        .await;
    shared.metrics.called(
        &topic,
        "bulk",
        code_name(answer.as_ref().map_or_else(Status::code, |_| Code::Ok)),
    );
    answer
}

fn topic<'a>(shared: &'a Shared, entry: &'a Entry) -> &'a str {
    let own = entry.message.topic.as_deref();
    own.unwrap_or(&shared.options.topic)
}

/// Tells daprd of envelopes that were made here.
fn raw_payload(whole: bool) -> Option<(String, String)> {
    whole.then(|| (RAW_PAYLOAD.to_owned(), "true".to_owned()))
}

/// After a failed attempt: the end, or a rest before the next one.
fn conclude(shared: &Shared, mut entry: Entry, status: Status, verdict: Verdict) {
    let unknown = match verdict {
        Verdict::Unfit => return entry.settle(Err(PublishError::rejected(status))),
        Verdict::Reject => return entry.reject(status),
        Verdict::Retry { unknown } => unknown,
    };
    let now = Instant::now();
    let random = rand::random();
    let pause = backoff::pause(
        &shared.options,
        entry.attempts,
        entry.remaining(now),
        random,
    );
    entry.span.in_scope(|| {
        tracing::debug!(attempt = entry.attempts, %status, ?pause, "an attempt to publish failed");
    });
    entry.failed(status, unknown);
    match pause {
        Some(pause) => shared.queue.rest(entry, now + pause),
        None => entry.give_up(now),
    }
}
