//! The worker as its sidecar sees it, over TCP, with a sidecar of our own making.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod deliveries;
mod process;

use std::net::SocketAddr;
use std::time::Duration;

use http::Request;
use serde_json::{Value, json};
use task_probe::client::Client;

/// The data of an order.
fn order(product: &str, quantity: u32) -> Value {
    json!({
        "event_type": "order.created", "order_id": "01a20972-4ef4-71f4-9487-6b7ea9dfb0eb", "product": product, "quantity": quantity
    })
}

/// Delivers an event as the sidecar does; the status that it gets.
async fn deliver(worker: SocketAddr, id: &str, data: &Value) -> String {
    let event = json!({
        "specversion": "1.0", "id": id, "source": "order-api", "type": "com.dapr.event.sent",
        "datacontenttype": "application/json", "pubsubname": "pubsub", "topic": "order-events", "data": data
    });
    let request = Request::post(format!("http://{worker}/events/order"))
        .header("content-type", "application/cloudevents+json")
        .body(event.to_string().into());
    let client = Client::new();
    let answer = client.send(request.unwrap(), Duration::from_secs(20)).await;
    let answer: Value = answer.unwrap().json().unwrap();
    answer["status"].as_str().unwrap().to_owned()
}
