//! What the sidecar gets to see.

use std::time::Duration;

use dapr_pubsub::{LoadedComponent, NewEvent, Publisher, SidecarError};
use opentelemetry::trace::SpanKind;
use tracing::Instrument as _;

use super::{SECOND, event, options};
use crate::fake_sidecar::{Answer, FakeSidecar};
use crate::tracing_setup::{Traces, attribute};
use crate::until;

#[tokio::test]
async fn a_lone_event_is_published_by_itself() {
    let fake = FakeSidecar::start();
    let publisher = Publisher::new(&fake.sidecar(), options());
    let event = NewEvent::new("e1", "hello", "text/plain").with_partition_key("k1");
    publisher.publish(event, SECOND).await.unwrap();

    let calls = fake.calls();
    assert_eq!(calls.len(), 1);
    assert!(!calls[0].bulk);
    let sent = &calls[0].events[0];
    assert_eq!(sent.data, b"hello");
    assert_eq!(sent.content_type, "text/plain");
    assert_eq!(sent.id(), "e1");
    assert_eq!(sent.metadata["partitionKey"], "k1");
    assert!(!calls[0].headers.contains_key("dapr-api-token"));
    // Tells daprd when to stop, too.
    assert!(calls[0].headers.contains_key("grpc-timeout"));
}

#[tokio::test]
async fn the_token_goes_with_each_call() {
    let fake = FakeSidecar::start();
    let sidecar = fake.sidecar_with_token(Some("t0ken".parse().unwrap()));
    Publisher::new(&sidecar, options())
        .publish(event("1"), SECOND)
        .await
        .unwrap();
    assert_eq!(
        fake.calls()[0].headers.get("dapr-api-token").unwrap(),
        "t0ken"
    );
}

#[tokio::test]
async fn each_event_carries_the_trace_of_its_caller() {
    let traces = Traces::start();
    let fake = FakeSidecar::start();
    let publisher = Publisher::new(&fake.sidecar(), options());
    let root = tracing::info_span!("request");
    publisher
        .publish(event("1"), SECOND)
        .instrument(root.clone())
        .await
        .unwrap();
    drop(root);
    // Its last handle is in a task that has yet to end.
    until(|| traces.spans().len() == 2).await;

    let (request, send) = (traces.span("request"), traces.span("send task-events"));
    assert_eq!(send.span_kind, SpanKind::Producer);
    assert_eq!(send.parent_span_id, request.span_context.span_id());
    assert_eq!(
        attribute(&send, "messaging.system").as_deref(),
        Some("dapr")
    );
    assert_eq!(
        attribute(&send, "messaging.message.id").as_deref(),
        Some("1")
    );
    let expected = format!(
        "00-{}-{}-01",
        request.span_context.trace_id(),
        send.span_context.span_id()
    );
    let call = &fake.calls()[0];
    assert_eq!(call.events[0].metadata["cloudevent.traceparent"], expected);
    assert_eq!(call.headers.get("traceparent").unwrap(), expected.as_str());
}

#[tokio::test]
async fn events_of_one_batch_keep_their_own_traces() {
    let traces = Traces::start();
    let fake = FakeSidecar::start();
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let held = gate.clone();
    fake.on_publish(move |call| {
        if call.bulk {
            Answer::Ok
        } else {
            Answer::Held(held.clone())
        }
    });
    let publisher = Publisher::new(&fake.sidecar(), options());
    let mut callers = tokio::task::JoinSet::new();
    for id in ["first", "a", "b"] {
        let publisher = publisher.clone();
        callers.spawn(
            async move { publisher.publish(event(id), SECOND).await.unwrap() }
                .instrument(tracing::info_span!("request", id)),
        );
        // The first is on its way before the others come.
        until(|| fake.calls().len() == 1).await;
    }
    until(|| publisher.queued() == 2).await;
    gate.add_permits(1);
    callers.join_all().await;

    let batch = &fake.calls()[1];
    assert!(batch.bulk);
    let trace_of = |index: usize| {
        let parent = batch.events[index].metadata["cloudevent.traceparent"].clone();
        parent.split('-').nth(1).unwrap().to_owned()
    };
    assert_ne!(trace_of(0), trace_of(1));
    let trace_ids: Vec<_> = traces
        .spans()
        .iter()
        .map(|span| span.span_context.trace_id().to_string())
        .collect();
    assert!(trace_ids.contains(&trace_of(0)) && trace_ids.contains(&trace_of(1)));
}

#[tokio::test]
async fn loaded_components_are_listed() {
    let mut fake = FakeSidecar::start();
    let sidecar = fake.sidecar();
    assert_eq!(sidecar.components(SECOND).await.unwrap(), []);
    fake.load("pubsub-redis", "pubsub.redis");
    let expected = LoadedComponent {
        name: "pubsub-redis".to_owned(),
        kind: "pubsub.redis".to_owned(),
    };
    assert_eq!(sidecar.components(SECOND).await.unwrap(), [expected]);
    fake.stop().await;
    let error = sidecar
        .components(Duration::from_millis(200))
        .await
        .unwrap_err();
    assert!(matches!(error, SidecarError::Call { .. }), "{error}");
}
