//! Several events in one call, each with an answer of its own
//! (`DeliverBulk` in dapr/dapr `pkg/runtime/subscription/postman/grpc/grpc.go`).

use dapr::dapr::proto::runtime::v1::topic_event_bulk_request_entry::Event;
use dapr::dapr::proto::runtime::v1::{
    TopicEventBulkRequest, TopicEventBulkRequestEntry, TopicEventBulkResponse,
    TopicEventBulkResponseEntry,
};
use futures_util::{StreamExt as _, stream};
use http::request::Parts;
use tokio::time::Instant;

use super::super::activity::Active;
use super::super::delivery::Route;
use super::{Call, parts, status};
use crate::cloud_event::salvage_id;
use crate::{DecodeError, Envelope, Outcome};

pub(super) async fn deliver<S: Clone + Send + Sync + 'static>(
    call: &Call<S>,
    request: tonic::Request<TopicEventBulkRequest>,
) -> TopicEventBulkResponse {
    let (metadata, extensions, request) = request.into_parts();
    let Some(route) = call.route(&request.path, &request.topic) else {
        let outcome = Call::<S>::undeclared(&request.path, &request.topic);
        let ids = request.entries.into_iter().map(|entry| entry.entry_id);
        let statuses = ids.map(|id| answer(id, outcome)).collect();
        return TopicEventBulkResponse { statuses };
    };
    let active = &route.begin(&request.pubsub_name);
    let parts = parts(route.subscription.route(), &metadata, extensions);
    let (pubsub, topic) = (request.pubsub_name.as_str(), request.topic.as_str());
    let mut deliveries = Vec::with_capacity(request.entries.len());
    for entry in &request.entries {
        let parts = parts.clone();
        deliveries.push(async move {
            let event = match &entry.event {
                Some(Event::CloudEvent(event)) => Envelope::of_bulk_callback(event, pubsub, topic),
                Some(Event::Bytes(body)) => Envelope::parse(body),
                None => Envelope::parse(b""),
            };
            let outcome = one(call, route, active, parts, entry, event).await;
            answer(entry.entry_id.clone(), outcome)
        });
    }
    let statuses = stream::iter(deliveries)
        .buffer_unordered(call.callback.limits.bulk_concurrency)
        .collect()
        .await;
    TopicEventBulkResponse { statuses }
}

async fn one<S: Clone + Send + Sync + 'static>(
    call: &Call<S>,
    route: &Route<S>,
    active: &Active,
    parts: Parts,
    entry: &TopicEventBulkRequestEntry,
    event: Result<Envelope<'_>, DecodeError>,
) -> Outcome {
    let deadline = call.started + route.limits.handler;
    // Not begun in time: the answer for the others must not wait for this one.
    if Instant::now() >= deadline {
        return Outcome::Retry;
    }
    let unread = || match &entry.event {
        Some(Event::CloudEvent(event)) => (Some(event.id.clone()), &*event.data),
        Some(Event::Bytes(body)) => (salvage_id(body), &**body),
        None => (None, &[][..]),
    };
    let state = call.state.clone();
    route
        .receive(active, parts, event, unread, state, deadline)
        .await
}

fn answer(entry_id: String, outcome: Outcome) -> TopicEventBulkResponseEntry {
    TopicEventBulkResponseEntry {
        entry_id,
        status: status(outcome) as i32,
    }
}
