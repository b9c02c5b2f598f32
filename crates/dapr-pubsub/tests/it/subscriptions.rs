mod answers;
mod bulk;
mod own;
mod routes;
mod traces;

use axum::Router;
use axum::body::Body;
use dapr_pubsub::{CloudEvent, Outcome, Subscription, Subscriptions};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub const ROUTE: &str = "/events/todo";

#[derive(Debug, Deserialize)]
struct Task {
    title: String,
}

fn subscription() -> Subscription {
    crate::tracing_setup::install();
    Subscription::new("task-events", ROUTE)
}

/// Answers what the title says.
async fn obey(event: CloudEvent<Task>) -> Outcome {
    match event.data.title.as_str() {
        "retry" => Outcome::Retry,
        "drop" => Outcome::Drop,
        "panic" => panic!("told to"),
        "sleep" => std::future::pending().await,
        _ => Outcome::Success,
    }
}

fn obedient() -> Subscriptions {
    Subscriptions::new().on(subscription(), obey)
}

fn envelope(title: &str) -> Value {
    json!({
        "specversion": "1.0", "id": title, "source": "task-api", "type": "com.dapr.event.sent",
        "datacontenttype": "application/json", "pubsubname": "pubsub", "topic": "task-events",
        "data": {"title": title}
    })
}

fn delivery(body: impl Into<Body>) -> Request<Body> {
    Request::post(ROUTE)
        .header("content-type", "application/cloudevents+json")
        .body(body.into())
        .unwrap()
}

pub async fn send(router: &Router, request: Request<Body>) -> (StatusCode, Vec<u8>) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, body.to_vec())
}

/// The status of a delivery, which has to be one that Dapr reads.
pub async fn outcome(router: &Router, body: impl Into<Body>) -> String {
    let (status, body) = send(router, delivery(body)).await;
    assert_eq!(status, StatusCode::OK);
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer.as_object().unwrap().len(), 1);
    answer["status"].as_str().unwrap().to_owned()
}
