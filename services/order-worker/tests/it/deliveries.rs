//! What becomes of an order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::anyhow;
use dapr_pubsub::{CloudEvent, Envelope};
use order_worker::{Effect, OrderCreated};
use serde_json::{Value, json};
use service_kit::effect::EffectError;
use service_kit::testing::{Running, SOURCE};

use crate::{ROUTE, order};

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
    service: Running,
}

fn start() -> Worker {
    let stock = Stock::default();
    let flags = [
        "--pubsub-names=pubsub",
        "--state-store=statestore",
        "--delivery-max-retries=2",
        "--delivery-retry-interval=1ms",
    ];
    let effect = stock.clone();
    let service = Running::start(&flags, |config, listeners, shutdown| {
        order_worker::run(config, listeners, effect, shutdown)
    });
    Worker { stock, service }
}

impl Worker {
    async fn deliver(&self, id: &str, data: &Value) -> String {
        self.service.deliver(ROUTE, id, data).await
    }

    fn reserved(&self) -> u32 {
        self.stock.reserved.load(Ordering::Relaxed)
    }

    fn record(&self, id: &str) -> Option<Value> {
        let state = self.service.sidecar.state();
        state.event("order-worker", SOURCE, id)
    }
}

#[tokio::test]
async fn it_subscribes_by_itself() {
    let worker = start();
    let (_, subscribed) = worker.service.get("/dapr/subscribe").await;
    assert_eq!(
        subscribed,
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
        assert_eq!(worker.deliver("1", &order("cup", 3)).await, "SUCCESS");
    }
    assert_eq!(worker.deliver("2", &order("cup", 3)).await, "SUCCESS");
    assert_eq!(worker.reserved(), 2);
}

#[tokio::test]
async fn what_may_work_later_is_retried_until_its_attempts_are_used_up() {
    let worker = start();
    worker.stock.away.store(2, Ordering::Relaxed);
    for answer in ["RETRY", "RETRY", "SUCCESS"] {
        assert_eq!(worker.deliver("1", &order("cup", 3)).await, answer);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(worker.reserved(), 1);

    worker.stock.away.store(u32::MAX, Ordering::Relaxed);
    for answer in ["RETRY", "RETRY", "DROP"] {
        assert_eq!(worker.deliver("2", &order("cup", 3)).await, answer);
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
        assert_eq!(worker.deliver("1", &data).await, "DROP", "{data}");
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
