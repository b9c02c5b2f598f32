//! A running `order-api` with ports of its own.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser as _;
use http::Request;
use http_body_util::Full;
use order_api::Config;
use service_kit::service::Listeners;
use service_kit::shutdown::Shutdown;
use task_probe::client::{Answer, Client};
use tokio::task::JoinSet;

use dapr_pubsub::testing::FakeSidecar;

pub(crate) struct Server {
    pub(crate) sidecar: FakeSidecar,
    pub(crate) api: SocketAddr,
    _running: JoinSet<anyhow::Result<()>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let sidecar = FakeSidecar::start();
        let endpoint = format!("--dapr-grpc-endpoint=http://{}", sidecar.address);
        let config = Config::parse_from([
            "order-api",
            "--listen-addr=127.0.0.1:0",
            "--admin-addr=127.0.0.1:0",
            "--publish-deadline=400ms",
            "--publish-attempt-timeout=200ms",
            &endpoint,
        ]);
        let listeners = Listeners::bind(&config.service).unwrap();
        let api = listeners.app.local_addr().unwrap();
        let shutdown = Shutdown::new(config.service.shutdown);
        let mut running = JoinSet::new();
        running.spawn(order_api::run(config, listeners, shutdown));
        Self {
            sidecar,
            api,
            _running: running,
        }
    }

    /// `POST /orders` with that body, and with a key where there is one.
    pub(crate) async fn post(&self, key: Option<&str>, body: &str) -> Answer {
        let mut request = Request::post(format!("http://{}/orders", self.api))
            .header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        send(request.body(body.to_owned().into()).unwrap()).await
    }
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    let request = Request::get(format!("http://{address}{path}"));
    send(request.body(Full::default()).unwrap()).await
}

async fn send(request: Request<Full<bytes::Bytes>>) -> Answer {
    let limit = Duration::from_secs(20);
    Client::new().send(request, limit).await.unwrap()
}
