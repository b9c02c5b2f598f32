//! What the sidecar gets to see.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use dapr_pubsub::{LoadedComponent, NewEvent, Publisher, Sidecar, SidecarError, SidecarOptions};
use opentelemetry::trace::SpanKind;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tonic::transport::Channel;
use tracing::Instrument as _;

use super::{SECOND, event, options};
use crate::tracing_setup::{attribute, ended, trace_of};
use crate::until;
use dapr_pubsub::testing::{Answer, FakeSidecar, PublishCall};

#[tokio::test]
async fn a_lone_event_is_published_by_itself() {
    let fake = crate::fake();
    let publisher = Publisher::new(&fake.sidecar(), options());
    let event = NewEvent::new("e1", "hello", "text/plain").with_partition_key("k1");
    publisher.publish(event, SECOND).await.unwrap();

    let calls = fake.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].bulk, &*calls[0].topic), (false, "task-events"));
    let sent = &calls[0].events[0];
    assert_eq!(sent.data, b"hello");
    assert_eq!(sent.content_type, "text/plain");
    assert_eq!(sent.id(), "e1");
    assert_eq!(sent.metadata["partitionKey"], "k1");
    assert!(!calls[0].headers.contains_key("dapr-api-token"));
    // Some components take the end of their time for success.
    assert!(!calls[0].headers.contains_key("grpc-timeout"));
}

#[tokio::test]
async fn the_token_goes_with_each_call() {
    let fake = crate::fake();
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
    let fake = crate::fake();
    let publisher = Publisher::new(&fake.sidecar(), options());
    let root = tracing::info_span!("request");
    let trace = trace_of(&root);
    publisher
        .publish(event("1"), SECOND)
        .instrument(root)
        .await
        .unwrap();

    let (request, send) = (
        ended(trace, "request").await,
        ended(trace, "send task-events").await,
    );
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
    let expected = format!("00-{trace}-{}-01", send.span_context.span_id());
    let call = &fake.calls()[0];
    assert_eq!(call.events[0].metadata["cloudevent.traceparent"], expected);
    assert_eq!(call.headers.get("traceparent").unwrap(), expected.as_str());
}

/// A sidecar that answers a call for one event when the semaphore has a permit for it.
fn holding_singles() -> (FakeSidecar, Arc<Semaphore>) {
    let fake = crate::fake();
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    fake.on_publish(move |call| {
        if call.bulk {
            Answer::Ok
        } else {
            Answer::Held(held.clone())
        }
    });
    (fake, gate)
}

#[tokio::test]
async fn events_of_one_batch_keep_their_own_traces() {
    let (fake, gate) = holding_singles();
    let publisher = Publisher::new(&fake.sidecar(), options());
    let mut callers = JoinSet::new();
    let mut traces = HashMap::new();
    for id in ["first", "a", "b"] {
        let publisher = publisher.clone();
        let root = tracing::info_span!("request", id);
        traces.insert(id.to_owned(), trace_of(&root).to_string());
        let publish = async move { publisher.publish(event(id), SECOND).await.unwrap() };
        callers.spawn(publish.instrument(root));
        // The first is on its way before the others come.
        until(|| fake.calls().len() == 1).await;
    }
    until(|| publisher.queued() == 2).await;
    gate.add_permits(1);
    callers.join_all().await;

    let batch = &fake.calls()[1];
    assert!(batch.bulk && batch.events.len() == 2);
    for sent in &batch.events {
        let trace = sent.metadata["cloudevent.traceparent"]
            .split('-')
            .nth(1)
            .unwrap();
        assert_eq!(trace, traces[sent.id()]);
    }
}

#[tokio::test]
async fn an_envelope_that_is_made_here_is_passed_on_as_it_is() {
    let (fake, gate) = holding_singles();
    let mut options = options();
    options.app_id = Some("task-api".to_owned());
    let publisher = Publisher::new(&fake.sidecar(), options);
    let mut callers = JoinSet::new();
    for id in ["first", "a", "b"] {
        let (publisher, event) = (publisher.clone(), event(id));
        callers.spawn(async move { publisher.publish(event, SECOND).await.unwrap() });
        until(|| fake.calls().len() == 1).await;
    }
    let (other, publish) = (
        NewEvent::new("c", "{}", "application/x-other"),
        publisher.clone(),
    );
    callers.spawn(async move { publish.publish(other, SECOND).await.unwrap() });
    until(|| publisher.queued() == 3).await;
    gate.add_permits(2);
    callers.join_all().await;

    let calls = fake.calls();
    let batch = calls.iter().find(|call| call.bulk).unwrap();
    assert_eq!(batch.events.len(), 2);
    for sent in calls[0].events.iter().chain(&batch.events) {
        let envelope: serde_json::Value = serde_json::from_slice(&sent.data).unwrap();
        assert_eq!(envelope["source"], "task-api");
        assert!(envelope["traceparent"].is_string());
        assert_eq!(sent.metadata, [("rawPayload".into(), "true".into())].into());
    }
    // One that daprd has to wrap is not among them.
    let wrapped = |call: &&PublishCall| call.events[0].metadata.contains_key("cloudevent.id");
    let wrapped: Vec<_> = calls.iter().filter(wrapped).collect();
    assert!(wrapped.len() == 1 && !wrapped[0].bulk && wrapped[0].ids() == ["c"]);
    assert!(!wrapped[0].events[0].metadata.contains_key("rawPayload"));
}

#[tokio::test]
async fn the_sidecar_may_be_at_a_socket_or_at_the_end_of_a_channel() {
    let fake = crate::fake();
    fake.load("pubsub-redis", "pubsub.redis");
    let path = std::env::temp_dir().join(format!("dapr-pubsub-{}.socket", std::process::id()));
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let address = fake.address;
    let mut proxy = JoinSet::new();
    proxy.spawn(async move {
        let (mut here, _) = listener.accept().await.unwrap();
        let mut there = tokio::net::TcpStream::connect(address).await.unwrap();
        tokio::io::copy_bidirectional(&mut here, &mut there).await
    });
    let by_socket = Sidecar::new(&SidecarOptions::new(format!("unix:{}", path.display())));
    let channel = Channel::from_shared(format!("http://{address}")).unwrap();
    let over_channel = Sidecar::with_channel(channel.connect_lazy(), None);
    for sidecar in [by_socket.unwrap(), over_channel.unwrap()] {
        assert_eq!(sidecar.components(SECOND).await.unwrap().len(), 1);
    }
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn loaded_components_are_listed() {
    let mut fake = crate::fake();
    let sidecar = fake.sidecar();
    assert_eq!(sidecar.components(SECOND).await.unwrap(), []);
    fake.load("pubsub-redis", "pubsub.redis");
    let expected = LoadedComponent::new("pubsub-redis", "pubsub.redis");
    assert_eq!(sidecar.components(SECOND).await.unwrap(), [expected]);
    fake.stop().await;
    let error = sidecar
        .components(Duration::from_millis(200))
        .await
        .unwrap_err();
    assert!(matches!(error, SidecarError::Call { .. }), "{error}");
}
