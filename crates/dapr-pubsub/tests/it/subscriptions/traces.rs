//! One trace from the publisher to the handler.

use dapr_pubsub::{CloudEvent, Outcome, Subscriptions};
use opentelemetry::trace::{SpanKind, Status, TraceId};
use serde_json::json;

use super::{Task, delivery, envelope, send, subscription};
use crate::tracing_setup::{attribute, ended};

const PARENT: &str = "b7ad6b7169203331";

async fn working(event: CloudEvent<Task>) -> Outcome {
    tracing::info_span!("work").in_scope(|| ());
    if event.data.title == "retry" {
        Outcome::Retry
    } else {
        Outcome::Success
    }
}

#[tokio::test]
async fn a_delivery_continues_the_trace_of_its_envelope() {
    let trace = TraceId::from(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
    let router = Subscriptions::<()>::new()
        .on(subscription(), working)
        .into_router();
    let mut event = envelope("retry");
    event["traceparent"] = json!(format!("00-{trace}-{PARENT}-01"));
    let mut request = delivery(event.to_string());
    // The envelope comes first.
    let other = "00-11111111111111111111111111111111-2222222222222222-01";
    request
        .headers_mut()
        .insert("traceparent", other.parse().unwrap());
    send(&router, request).await;

    let process = ended(trace, "process task-events").await;
    assert_eq!(process.parent_span_id.to_string(), PARENT);
    assert!(process.parent_span_is_remote);
    assert_eq!(process.span_kind, SpanKind::Consumer);
    assert_eq!(
        attribute(&process, "messaging.operation.type").as_deref(),
        Some("process")
    );
    assert_eq!(
        attribute(&process, "messaging.message.id").as_deref(),
        Some("retry")
    );
    assert_eq!(
        attribute(&process, "dapr.pubsub.outcome").as_deref(),
        Some("RETRY")
    );
    assert_eq!(
        attribute(&process, "trace_id").as_deref(),
        Some(trace.to_string().as_str())
    );
    assert!(
        matches!(process.status, Status::Error { .. }),
        "{:?}",
        process.status
    );
    let work = ended(trace, "work").await;
    assert_eq!(work.parent_span_id, process.span_context.span_id());
}

#[tokio::test]
async fn without_one_the_header_counts() {
    let trace = TraceId::from(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
    let router = Subscriptions::<()>::new()
        .on(subscription(), working)
        .into_router();
    let mut request = delivery(envelope("fine").to_string());
    let header = format!("00-{trace}-{PARENT}-01");
    request
        .headers_mut()
        .insert("traceparent", header.parse().unwrap());
    send(&router, request).await;
    let process = ended(trace, "process task-events").await;
    assert_eq!(process.parent_span_id.to_string(), PARENT);
}
