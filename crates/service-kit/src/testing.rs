//! For tests of services (feature `testing`): a service over TCP with a sidecar that has no broker, and golden files. Everything here
//! panics where a test could not go on.
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use clap::Parser;
use dapr_pubsub::testing::FakeSidecar;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::service::{Listeners, ServiceArgs};
use crate::shutdown::Shutdown;

/// Who publishes what [`Running::deliver`] delivers.
pub const SOURCE: &str = "somebody";

/// Set it to have [`golden`] write the files anew.
const UPDATE: &str = "UPDATE_GOLDEN";

/// On a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A service on a port of its own, until it is dropped.
#[derive(Debug)]
pub struct Running {
    /// Its sidecar.
    pub sidecar: FakeSidecar,
    /// Where it listens for requests, or for events.
    pub address: SocketAddr,
    _service: JoinSet<anyhow::Result<()>>,
}

impl Running {
    /// Starts the service that `run` is, with these flags beside those of addresses.
    pub fn start<C, F>(flags: &[&str], run: impl FnOnce(C, Listeners, Shutdown) -> F) -> Self
    where
        C: Parser + AsRef<ServiceArgs>,
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let sidecar = FakeSidecar::start();
        let endpoint = format!("--dapr-grpc-endpoint=http://{}", sidecar.address);
        let own = [
            "service",
            "--listen-addr=127.0.0.1:0",
            "--admin-addr=127.0.0.1:0",
            &endpoint,
        ];
        let config = C::parse_from([&own[..], flags].concat());
        let listeners = Listeners::bind(config.as_ref()).unwrap();
        let address = listeners.app.local_addr().unwrap();
        let shutdown = Shutdown::new(config.as_ref().shutdown);
        Self {
            sidecar,
            address,
            _service: JoinSet::from_iter([run(config, listeners, shutdown)]),
        }
    }

    /// What a request is answered: JSON.
    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        get(self.address, path).await
    }

    /// What this JSON is answered: JSON.
    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        post(self.address, path, "application/json", body).await
    }

    /// Delivers an event as the sidecar does; the status that it gets.
    pub async fn deliver(&self, route: &str, id: &str, data: &Value) -> String {
        deliver(self.address, route, id, data).await
    }
}

async fn get(address: SocketAddr, path: &str) -> (StatusCode, Value) {
    let request = Request::get(format!("http://{address}{path}"));
    exchange(request.body(Full::default()).unwrap()).await
}

async fn post(
    address: SocketAddr,
    path: &str,
    content_type: &str,
    body: &Value,
) -> (StatusCode, Value) {
    let request = Request::post(format!("http://{address}{path}"));
    let request = request.header(CONTENT_TYPE, content_type);
    exchange(request.body(body.to_string().into()).unwrap()).await
}

async fn exchange(request: Request<Full<Bytes>>) -> (StatusCode, Value) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = timeout(PATIENCE, client.request(request)).await;
    let answer = answer.unwrap().unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

/// Delivers an event to a service at that address, as the sidecar does; the status that it gets.
pub async fn deliver(address: SocketAddr, route: &str, id: &str, data: &Value) -> String {
    let event = json!({
        "specversion": "1.0", "id": id, "source": SOURCE, "type": "com.dapr.event.sent",
        "datacontenttype": "application/json", "data": data
    });
    let (_, answer) = post(address, route, "application/cloudevents+json", &event).await;
    answer["status"].as_str().unwrap().to_owned()
}

/// Fails unless that file of the crate under test is this document. Writes the file where `UPDATE_GOLDEN` is set.
pub fn golden(file: &str, document: &Value) {
    let document = serde_json::to_string_pretty(document).unwrap() + "\n";
    let [folder, package] = ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME"].map(std::env::var);
    let path = Path::new(&folder.unwrap()).join(file);
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        document == golden,
        "{file} has changed; look at the diff that `{UPDATE}=1 cargo test -p {}` makes",
        package.unwrap()
    );
}
