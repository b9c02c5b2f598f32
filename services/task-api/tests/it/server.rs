//! A running `task-api` with ports of its own and nothing behind it.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser as _;
use service_kit::shutdown::Shutdown;
use task_api::{Config, Listeners};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

pub(crate) struct Server {
    pub(crate) api: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) shutdown: Shutdown,
    pub(crate) running: JoinSet<anyhow::Result<()>>,
}

/// Status line, headers and body, as they came.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Server {
    /// Starts it with a sidecar address at which nobody listens.
    pub(crate) fn start() -> Self {
        Self::start_with(&["--shutdown-delay=1ms"])
    }

    /// The same with other flags.
    pub(crate) fn start_with(flags: &[&str]) -> Self {
        let fixed = [
            "task-api",
            "--listen-addr=127.0.0.1:0",
            "--admin-addr=127.0.0.1:0",
            "--dapr-grpc-endpoint=http://127.0.0.1:1",
            "--publish-deadline=400ms",
            "--publish-attempt-timeout=200ms",
            "--shutdown-deadline=2s",
        ];
        let config = Config::parse_from([&fixed[..], flags].concat());
        let listeners = Listeners::bind(&config.service).unwrap();
        let (api, admin) = (
            listeners.app.local_addr().unwrap(),
            listeners.admin.local_addr().unwrap(),
        );
        let shutdown = Shutdown::new(config.service.shutdown);
        let mut running = JoinSet::new();
        running.spawn(task_api::run(config, listeners, shutdown.clone()));
        Self {
            api,
            admin,
            shutdown,
            running,
        }
    }

    pub(crate) async fn post(&self, content_type: &str, headers: &str, body: &[u8]) -> Answer {
        let head = format!(
            "POST /tasks HTTP/1.1\r\nHost: task-api\r\nConnection: close\r\nContent-Type: {content_type}\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        send(self.api, &[head.as_bytes(), body].concat()).await
    }
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    send(
        address,
        format!("GET {path} HTTP/1.1\r\nHost: task-api\r\nConnection: close\r\n\r\n").as_bytes(),
    )
    .await
}

/// The head of an answer on a connection that the client would keep.
pub(crate) async fn get_kept_alive(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /openapi.json HTTP/1.1\r\nHost: task-api\r\n\r\n")
        .await
        .unwrap();
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        assert!(
            stream.read_buf(&mut head).await.unwrap() > 0,
            "closed without an answer"
        );
    }
    String::from_utf8_lossy(&head).to_ascii_lowercase()
}

/// Sends the bytes as they are and reads to the end; a server that does not answer fails the test.
pub(crate) async fn send(address: SocketAddr, request: &[u8]) -> Answer {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The server may answer, and close, before it has read everything.
        let _ = stream.write_all(request).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        String::from_utf8(bytes).unwrap()
    };
    let text = tokio::time::timeout(Duration::from_secs(20), exchange)
        .await
        .expect("no answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("an HTTP response");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .expect("a status line");
    Answer {
        status,
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}
