//! The service over TCP, with a sidecar of our own making.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod declared;
__tests__

use std::net::SocketAddr;
use std::time::Duration;

use __crate__::Config;
use clap::Parser as _;
use dapr_pubsub::testing::FakeSidecar;
use http::Request;
use serde_json::Value;
use service_kit::service::Listeners;
use service_kit::shutdown::Shutdown;
use task_probe::client::{Answer, Client};
use tokio::task::JoinSet;

struct Server {
    sidecar: FakeSidecar,
    address: SocketAddr,
    _running: JoinSet<anyhow::Result<()>>,
}

fn start() -> Server {
    let sidecar = FakeSidecar::start();
    let endpoint = format!("--dapr-grpc-endpoint=http://{}", sidecar.address);
    let config = Config::parse_from([
        "__name__",
        "--listen-addr=127.0.0.1:0",
        "--admin-addr=127.0.0.1:0",
        __flags__
        &endpoint,
    ]);
    let listeners = Listeners::bind(&config.service).unwrap();
    let address = listeners.app.local_addr().unwrap();
    let shutdown = Shutdown::new(config.service.shutdown);
    let mut running = JoinSet::new();
    running.spawn(__crate__::run(config, listeners, shutdown));
    Server {
        sidecar,
        address,
        _running: running,
    }
}

impl Server {
    async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = Request::post(format!("http://{}{path}", self.address))
            .header("content-type", "application/json")
            .body(body.to_string().into());
        let limit = Duration::from_secs(20);
        Client::new().send(request.unwrap(), limit).await.unwrap()
    }
}
