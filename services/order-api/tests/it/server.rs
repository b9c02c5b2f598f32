//! A running `order-api` with a port of its own.

use std::time::Duration;

use http::Request;
use service_kit::testing::Running;
use task_probe::client::{Answer, Client};

pub(crate) fn start() -> Running {
    let flags = [
        "--publish-deadline=400ms",
        "--publish-attempt-timeout=200ms",
    ];
    Running::start(&flags, order_api::run)
}

/// `POST /orders` with that body, and with a key where there is one.
pub(crate) async fn post(service: &Running, key: Option<&str>, body: &str) -> Answer {
    let mut request = Request::post(format!("http://{}/orders", service.address))
        .header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let request = request.body(body.to_owned().into()).unwrap();
    let limit = Duration::from_secs(20);
    Client::new().send(request, limit).await.unwrap()
}
