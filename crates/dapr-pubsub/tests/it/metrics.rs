//! What is counted, and by what. One test, because the meter provider is global.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use dapr_pubsub::{
    CANARY_TYPE, Claim, CloudEvent, Inbox, InboxOptions, NewEvent, Outcome, Publisher,
    PublisherOptions, Subscription, Subscriptions,
};
use http::Request;
use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ScopeMetrics};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use tonic::Status;
use tower::ServiceExt as _;

use dapr_pubsub::testing::Answer;

const TOPIC: &str = "counted-events";

/// Counts (of sums) and numbers of values (of histograms) by name and attributes.
fn collect(
    provider: &SdkMeterProvider,
    exporter: &InMemoryMetricExporter,
) -> BTreeMap<String, u64> {
    fn line<'a>(name: &str, attributes: impl Iterator<Item = &'a KeyValue>) -> String {
        let mut attributes: Vec<_> = attributes
            .map(|it| format!("{}={}", it.key, it.value))
            .collect();
        attributes.sort();
        format!("{name} {}", attributes.join(" "))
    }
    provider.force_flush().unwrap();
    let mut found = BTreeMap::new();
    let rounds = exporter.get_finished_metrics().unwrap();
    let latest = rounds.last().unwrap();
    for metric in latest.scope_metrics().flat_map(ScopeMetrics::metrics) {
        match metric.data() {
            AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                for point in sum.data_points() {
                    found.insert(line(metric.name(), point.attributes()), point.value());
                }
            }
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                for point in histogram.data_points() {
                    found.insert(line(metric.name(), point.attributes()), point.count());
                }
            }
            _ => {}
        }
    }
    found
}

async fn handler(event: CloudEvent<String>) -> Outcome {
    if event.data == "retry" {
        Outcome::Retry
    } else {
        Outcome::Success
    }
}

#[tokio::test]
async fn everything_is_counted() {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder()
        .with_periodic_exporter(exporter.clone())
        .build();
    opentelemetry::global::set_meter_provider(provider.clone());
    let fake = crate::fake();
    fake.on_publish(|call| match call.ids()[..] {
        ["bad"] => Answer::Fail(Status::permission_denied("no")),
        _ => Answer::Ok,
    });

    let publisher = Publisher::new(&fake.sidecar(), PublisherOptions::new("pubsub", TOPIC));
    for id in ["1", "2", "bad"] {
        let event = NewEvent::json(id, &id).unwrap();
        let _ = publisher.publish(event, Duration::from_secs(5)).await;
    }

    let declared = Subscription::new(TOPIC, "/e").pubsubs(["pubsub"]);
    let router: Router = Subscriptions::new().on(declared, handler).into_router();
    for (pubsub, data) in [
        ("pubsub", "fine"),
        ("pubsub", "retry"),
        ("made-up", "fine"),
        ("", ""),
    ] {
        let body = format!(
            r#"{{"specversion":"1.0","id":"{data}","source":"s","type":"t","pubsubname":"of-the-publisher","data":"{data}"}}"#
        );
        let request = delivery(pubsub);
        router
            .clone()
            .oneshot(request.body(Body::from(body)).unwrap())
            .await
            .unwrap();
    }

    let canary = format!(r#"{{"specversion":"1.0","id":"c","source":"s","type":"{CANARY_TYPE}"}}"#);
    let request = delivery("pubsub");
    let request = request.body(Body::from(canary)).unwrap();
    router.clone().oneshot(request).await.unwrap();

    let inbox = Inbox::new(&fake.sidecar(), InboxOptions::new("statestore", "counter"));
    let Claim::Fresh(_lease) = inbox.claim("s", "1").await.unwrap() else {
        panic!("not fresh")
    };
    let _busy = inbox.claim("s", "1").await.unwrap();

    let found = collect(&provider, &exporter);
    let topic = format!("messaging.destination.name={TOPIC}");
    let send = format!("{topic} messaging.operation.name=send messaging.system=dapr");
    let process = format!("{topic} messaging.operation.name=process messaging.system=dapr");
    let expected = [
        (format!("messaging.client.sent.messages {send}"), 2),
        (
            format!("messaging.client.sent.messages error.type=rejected {send}"),
            1,
        ),
        (format!("messaging.client.operation.duration {send}"), 2),
        (format!("messaging.process.duration {process}"), 4),
        (format!("dapr.pubsub.canaries {process}"), 1),
        (
            format!(
                "dapr.pubsub.publish.calls dapr.pubsub.call=single {send} rpc.response.status_code=OK"
            ),
            2,
        ),
        (
            format!(
                "dapr.pubsub.deliveries dapr.pubsub.name=pubsub dapr.pubsub.outcome=RETRY {process}"
            ),
            1,
        ),
        // Not a name that the application knows: it must not become a label.
        (
            format!(
                "dapr.pubsub.deliveries dapr.pubsub.name=unknown dapr.pubsub.outcome=SUCCESS {process}"
            ),
            1,
        ),
        (
            format!("dapr.pubsub.decode.failures error.type=attribute {process}"),
            1,
        ),
        (inbox_line("fresh"), 1),
        (inbox_line("busy"), 1),
    ];
    for (line, count) in expected {
        assert_eq!(found.get(&line), Some(&count), "{line}\nin {found:#?}");
    }
}

/// The component is named by the sidecar, in a header.
fn delivery(pubsub: &str) -> http::request::Builder {
    Request::post("/e")
        .header("content-type", "application/cloudevents+json")
        .header("pubsubname", pubsub)
}

fn inbox_line(result: &str) -> String {
    format!(
        "dapr.pubsub.inbox.claims dapr.pubsub.inbox.result={result} messaging.consumer.group.name=counter"
    )
}
