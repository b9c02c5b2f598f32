//! A service that acts on events and announces others.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::State;
use clap::Parser as _;
use dapr_pubsub::testing::{Answer, FakeSidecar};
use dapr_pubsub::{CloudEvent, Inbox, Subscriptions};
use serde::Serialize;
use serde_json::{Value, json};
use service_kit::effect::EffectError;
use service_kit::publishing::{Announcement, Announcer};
use service_kit::relaying;
use service_kit::service::Listeners;
use service_kit::shutdown::Shutdown;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::Status;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::site::rest;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// `{"event_type": "order.created", "order_id": "<uuid>"}`
#[derive(Debug, Serialize, ToSchema)]
struct OrderCreated {
    event_type: &'static str,
    order_id: Uuid,
}

impl Announcement for OrderCreated {
    const TOPIC: &'static str = "order";
    const NOUN: &'static str = "order";
    const EVENT_TYPE: &'static str = "order.created";

    fn id(&self) -> Uuid {
        self.order_id
    }
}

mod bridge {
    service_kit::service_config! {
        /// Hears tasks, announces orders.
        publishing [super::OrderCreated]
        subscribing ["task" at "/events/task"]
        { listen_addr: "127.0.0.1:0", consumer: "order-bridge" }
    }
}

async fn on_task(
    State(announcer): State<Announcer>,
    event: CloudEvent<Value>,
) -> Result<(), EffectError> {
    let created = OrderCreated {
        event_type: OrderCreated::EVENT_TYPE,
        order_id: OrderCreated::id_after(&event),
    };
    announcer.announce_after(&created).await?;
    Ok(())
}

fn start(sidecar: &FakeSidecar) -> (SocketAddr, JoinSet<anyhow::Result<()>>) {
    let endpoint = format!("--dapr-grpc-endpoint=http://{}", sidecar.address);
    let config = bridge::Config::parse_from([
        "order-bridge",
        "--admin-addr=127.0.0.1:0",
        "--state-store=statestore",
        "--delivery-retry-interval=1ms",
        "--publish-deadline=400ms",
        "--publish-attempt-timeout=200ms",
        &endpoint,
    ]);
    let listeners = Listeners::bind(&config.service).unwrap();
    let address = listeners.app.local_addr().unwrap();
    let shutdown = Shutdown::new(config.service.shutdown);
    let mut running = JoinSet::new();
    running.spawn(async move {
        let declare = |subscriptions: Subscriptions<Announcer>, inbox: Option<Inbox>| {
            subscriptions.on_once(config.subscription("task"), inbox, on_task)
        };
        let bridge::Config {
            service,
            publish,
            subscribe,
            topics,
        } = &config;
        relaying::serve(
            service, publish, subscribe, topics, declare, listeners, shutdown,
        )
        .await
    });
    (address, running)
}

/// Delivers an event as the sidecar does; what is answered.
async fn deliver(address: SocketAddr, id: &str) -> String {
    let event = json!({
        "specversion": "1.0", "id": id, "source": "task-api", "type": "com.dapr.event.sent", "data": {},
        "traceparent": format!("00-{TRACE}-00f067aa0ba902b7-01"),
    });
    let event = event.to_string();
    let request = format!(
        "POST /events/task HTTP/1.1\r\nhost: bridge\r\nconnection: close\r\ncontent-type: application/cloudevents+json\r\n\
         content-length: {}\r\n\r\n{event}",
        event.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    let status = answer.rsplit_once("\r\n\r\n").unwrap().1;
    let status: Value = serde_json::from_str(status).unwrap();
    status["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_follows_from_an_event_is_one_event_and_is_acknowledged_before_that_is_done() {
    let sidecar = FakeSidecar::start();
    let (address, _running) = start(&sidecar);
    let refusal = Status::resource_exhausted("the broker takes nothing now");
    sidecar.on_publish(move |_| Answer::Fail(refusal.clone()));
    assert_eq!(deliver(address, "1").await, "RETRY");
    let refused = sidecar.calls();

    sidecar.on_publish(|_| Answer::Ok);
    tokio::time::sleep(Duration::from_millis(5)).await;
    for id in ["1", "1", "2"] {
        assert_eq!(deliver(address, id).await, "SUCCESS");
    }
    let calls = sidecar.calls();
    let [first, second] = &calls[refused.len()..] else {
        panic!("an event that was handled again: {calls:?}")
    };
    assert_eq!(first.topic, "order-events");
    assert_eq!(first.ids(), refused[0].ids());
    assert_ne!(first.ids(), second.ids());
    let trace = &first.events[0].metadata["cloudevent.traceparent"];
    assert!(trace.contains(TRACE), "{trace}");
}
