//! What becomes of an order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::anyhow;
use clap::Parser as _;
use dapr_pubsub::{CloudEvent, Envelope};
use http::Request;
use http_body_util::Full;
use order_worker::{Config, Effect, OrderCreated};
use serde_json::{Value, json};
use service_kit::effect::EffectError;
use service_kit::service::Listeners;
use service_kit::shutdown::Shutdown;
use task_probe::client::Client;
use tokio::task::JoinSet;

use crate::{deliver, order};
use dapr_pubsub::testing::FakeSidecar;

/// Fails as often as it is told, then counts.
#[derive(Clone, Default)]
struct Stock {
    away: Arc<AtomicU32>,
    reserved: Arc<AtomicU32>,
}

impl Effect for Stock {
    async fn apply(&self, _: &CloudEvent<OrderCreated>) -> Result<(), EffectError> {
        let less = |away: u32| away.checked_sub(1);
        let order = Ordering::Relaxed;
        if self.away.fetch_update(order, order, less).is_ok() {
            return Err(EffectError::Transient(anyhow!("the stock is away")));
        }
        self.reserved.fetch_add(1, order);
        Ok(())
    }
}

struct Worker {
    stock: Stock,
    sidecar: FakeSidecar,
    address: SocketAddr,
    _running: JoinSet<anyhow::Result<()>>,
}

fn start() -> Worker {
    let (sidecar, stock) = (FakeSidecar::start(), Stock::default());
    let endpoint = format!("--dapr-grpc-endpoint=http://{}", sidecar.address);
    let config = Config::parse_from([
        "order-worker",
        "--listen-addr=127.0.0.1:0",
        "--admin-addr=127.0.0.1:0",
        "--pubsub-names=pubsub",
        "--state-store=statestore",
        "--delivery-max-retries=2",
        "--delivery-retry-interval=1ms",
        &endpoint,
    ]);
    let listeners = Listeners::bind(&config.service).unwrap();
    let address = listeners.app.local_addr().unwrap();
    let shutdown = Shutdown::new(config.service.shutdown);
    let mut running = JoinSet::new();
    running.spawn(order_worker::run(
        config,
        listeners,
        stock.clone(),
        shutdown,
    ));
    Worker {
        stock,
        sidecar,
        address,
        _running: running,
    }
}

impl Worker {
    fn reserved(&self) -> u32 {
        self.stock.reserved.load(Ordering::Relaxed)
    }

    fn record(&self, id: &str) -> Option<Value> {
        let state = self.sidecar.state();
        state.event("order-worker", "order-api", id)
    }
}

#[tokio::test]
async fn it_subscribes_by_itself() {
    let worker = start();
    let request = Request::get(format!("http://{}/dapr/subscribe", worker.address));
    let request = request.body(Full::default()).unwrap();
    let answer = Client::new().send(request, Duration::from_secs(20)).await;
    assert_eq!(
        answer.unwrap().json::<Value>().unwrap(),
        json!([{
            "pubsubname": "pubsub", "topic": "order-events", "routes": {"default": "/events/order"},
            "deadLetterTopic": "order-events-dead-letter"
        }])
    );
}

#[tokio::test]
async fn an_order_has_its_effect_once_however_often_it_is_delivered() {
    let worker = start();
    for _ in 0..3 {
        assert_eq!(
            deliver(worker.address, "1", &order("cup", 3)).await,
            "SUCCESS"
        );
    }
    assert_eq!(
        deliver(worker.address, "2", &order("cup", 3)).await,
        "SUCCESS"
    );
    assert_eq!(worker.reserved(), 2);
}

#[tokio::test]
async fn what_may_work_later_is_retried_until_its_attempts_are_used_up() {
    let worker = start();
    worker.stock.away.store(2, Ordering::Relaxed);
    for answer in ["RETRY", "RETRY", "SUCCESS"] {
        assert_eq!(deliver(worker.address, "1", &order("cup", 3)).await, answer);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(worker.reserved(), 1);

    worker.stock.away.store(u32::MAX, Ordering::Relaxed);
    for answer in ["RETRY", "RETRY", "DROP"] {
        assert_eq!(deliver(worker.address, "2", &order("cup", 3)).await, answer);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let reason = &worker.record("2").unwrap()["reason"];
    assert_eq!(reason, "transient failure: the stock is away");
}

#[tokio::test]
async fn what_is_no_order_is_dropped() {
    let worker = start();
    let mut cancelled = order("cup", 3);
    cancelled["event_type"] = "order.cancelled".into();
    for data in [
        order("cup", 0),
        order(" \t", 3),
        cancelled,
        json!({"product": "cup"}),
    ] {
        assert_eq!(deliver(worker.address, "1", &data).await, "DROP", "{data}");
        assert_eq!(worker.record("1"), None, "it could not come again");
    }
    assert_eq!(worker.reserved(), 0);
}

/// They may still be in a broker, or among the dead letters (docs/EVENTS.md).
#[test]
fn the_events_of_earlier_versions_are_understood() {
    let published = include_str!("../../../order-api/tests/events/0.2.json");
    let event = Envelope::parse(published.as_bytes()).unwrap();
    let event = event.decode::<OrderCreated>().unwrap();
    assert_eq!(
        (&*event.data.product, event.data.quantity),
        ("espresso cup", 3)
    );
}
