//! Several events in one delivery.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use dapr_pubsub::{CloudEvent, Outcome, Subscriptions};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::{ROUTE, Task, envelope, obedient, send, subscription};

fn bulk(entries: &Value) -> Request<Body> {
    let body = json!({
        "id": "b1", "type": "com.dapr.event.sent.bulk", "topic": "task-events",
        "pubsub": "pubsub", "metadata": {"pubsubName": "pubsub"}, "entries": entries
    });
    Request::post(ROUTE)
        .header("content-type", "application/json")
        .body(body.to_string().into())
        .unwrap()
}

fn entries(titles: &[&str]) -> Value {
    let entry = |title: &&str| {
        json!({
            "entryId": format!("entry-{title}"), "event": envelope(title),
            "contentType": "application/cloudevents+json", "metadata": {}
        })
    };
    titles.iter().map(entry).collect()
}

async fn statuses(router: &Router, entries: &Value) -> BTreeMap<String, String> {
    let (status, body) = send(router, bulk(entries)).await;
    assert_eq!(status, StatusCode::OK);
    let answer: Value = serde_json::from_slice(&body).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let statuses = answer["statuses"].as_array().unwrap();
    statuses
        .iter()
        .map(|it| (text(&it["entryId"]), text(&it["status"])))
        .collect()
}

#[tokio::test]
async fn each_entry_has_its_own_answer() {
    let router = obedient().into_router();
    let mut entries = entries(&["fine", "retry", "drop", "panic"]);
    entries.as_array_mut().unwrap().extend([
        json!({"entryId": "unreadable", "event": {"id": "u"}}),
        json!({"entryId": "raw", "event": "AAH/", "contentType": "application/octet-stream"}),
    ]);
    let expected = [
        ("entry-drop", "DROP"),
        ("entry-fine", "SUCCESS"),
        ("entry-panic", "RETRY"),
        ("entry-retry", "RETRY"),
        ("raw", "DROP"),
        ("unreadable", "DROP"),
    ];
    let expected = expected.map(|(id, status)| (id.to_owned(), status.to_owned()));
    assert_eq!(statuses(&router, &entries).await, expected.into());
}

#[tokio::test(start_paused = true)]
async fn a_slow_entry_does_not_spoil_the_others() {
    let router = obedient()
        .handler_timeout(Duration::from_secs(2))
        .max_bulk_concurrency(2)
        .into_router();
    let statuses = statuses(&router, &entries(&["fine", "sleep", "sleep", "late"])).await;
    assert_eq!(statuses["entry-fine"], "SUCCESS");
    assert_eq!(statuses["entry-sleep"], "RETRY");
    // Its turn never came.
    assert_eq!(statuses["entry-late"], "RETRY");
}

#[tokio::test]
async fn no_more_entries_than_allowed_run_at_once() {
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (now, peak) = (running.clone(), most.clone());
    let handler = move |_: CloudEvent<Task>| {
        let (now, peak) = (now.clone(), peak.clone());
        async move {
            peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            Outcome::Success
        }
    };
    let router = Subscriptions::new()
        .on(subscription(), handler)
        .max_bulk_concurrency(3)
        .into_router();
    let titles: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    let titles: Vec<_> = titles.iter().map(String::as_str).collect();
    assert_eq!(statuses(&router, &entries(&titles)).await.len(), 20);
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_bulk_body_may_be_larger_than_an_event_but_not_endless() {
    let router = Subscriptions::new()
        .on(subscription(), super::obey)
        .body_limit(1000)
        .into_router();
    let long = "x".repeat(180);
    let three: Vec<_> = ["a", "b", "c"]
        .iter()
        .map(|it| format!("{it}{long}"))
        .collect();
    let three: Vec<_> = three.iter().map(String::as_str).collect();
    assert_eq!(statuses(&router, &entries(&three)).await.len(), 3);
    // Nothing can be said about entries that were not read; daprd delivers them again.
    let (status, _) = send(&router, bulk(&entries(&[&"x".repeat(65 << 20)]))).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}
