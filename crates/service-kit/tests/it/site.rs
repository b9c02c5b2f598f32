//! A running server, and a client that writes what it likes.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use service_kit::server::{self, Limits, Protocols};
use service_kit::shutdown::{Shutdown, ShutdownArgs};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: Shutdown,
    pub(crate) running: JoinSet<()>,
}

impl Site {
    pub(crate) fn start(protocols: Protocols, router: Router) -> Self {
        Self::with_places(protocols, router, 100)
    }

    pub(crate) fn with_places(protocols: Protocols, router: Router, places: usize) -> Self {
        let listener = server::bind("127.0.0.1:0".parse().unwrap(), "LISTEN_ADDR").unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::new(ShutdownArgs {
            shutdown_delay: Duration::from_millis(1),
            shutdown_deadline: Duration::from_mins(1),
        });
        let limits = Limits {
            max_connections: places,
            header_timeout: Duration::from_secs(75),
        };
        let end = shutdown.clone();
        let mut running = JoinSet::new();
        running.spawn(async move {
            server::serve(listener, protocols, router, limits, &end).await;
        });
        Self {
            address,
            shutdown,
            running,
        }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends the bytes on a connection of their own and reads to its end.
    pub(crate) async fn send(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_ref()).await.unwrap();
        rest(&mut stream).await
    }
}

/// What comes until the server closes the connection.
pub(crate) async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes));
    read.await
        .expect("the connection stays open")
        .expect("the connection ends in order");
    String::from_utf8(bytes).unwrap()
}

pub(crate) fn status(answer: &str) -> u16 {
    let status = answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|text| text.get(..3));
    status
        .unwrap_or_else(|| panic!("{answer:?}"))
        .parse()
        .unwrap()
}
