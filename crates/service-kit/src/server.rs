//! The accept loop of every listener: limits, timeouts and a drain that ends.
//!
//! `axum::serve` sets no `TCP_NODELAY`, no header timeout and no deadline for its drain, and takes any number of
//! connections; each of them is a way to stall a service from outside.

mod connection;
pub(crate) mod exchange;
mod lent;

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, header};
use hyper_util::server::graceful::GracefulShutdown;
use opentelemetry::global;
use opentelemetry::metrics::Counter;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use crate::problem::Problem;
use crate::shutdown::Shutdown;

/// Connections beyond the limit that are answered 429 and closed at the same time; more wait in the kernel.
const SHED: usize = 512;

/// How long a connection that can only be refused may take to send its request.
const SHED_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection beyond the limit waits for a place: a client sees the end of its connection a moment before its place is
/// free, and may come back within that moment.
const GRACE: Duration = Duration::from_millis(50);

static REFUSED: LazyLock<Counter<u64>> = LazyLock::new(|| {
    global::meter("service-kit")
        .u64_counter("service_kit.connections.refused")
        .with_unit("{connection}")
        .with_description("Connections beyond MAX_CONNECTIONS: answered 429 and closed")
        .build()
});

/// What a listener takes on at most.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Limits {
    /// Connections that are served at once; further ones are answered 429. Each needs about 25 KiB.
    #[arg(long, env = "MAX_CONNECTIONS", default_value_t = 2048, value_parser = crate::units::size)]
    pub max_connections: usize,
    /// How long a client may take to send the head of a request, or stay idle between two. Longer than load balancers keep idle
    /// connections (60 s at AWS and in nginx), so that they close them first: a request that crosses our close gets no answer.
    #[arg(long, env = "HEADER_TIMEOUT", default_value = "75s", value_parser = crate::units::duration)]
    pub header_timeout: Duration,
}

/// Connections that the kernel completes ahead of us: a crowd that comes at once waits there instead of being ignored, which
/// clients only notice by a timeout.
const BACKLOG: u32 = 4096;

/// Binds a listener.
///
/// # Errors
/// Names the address and the variable that set it.
pub fn bind(address: SocketAddr, variable: &str) -> anyhow::Result<TcpListener> {
    listen(address).with_context(|| format!("cannot listen on {address} ({variable})"))
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A restarted service must not wait for the connections of the one before it to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What a listener speaks, always without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocols {
    /// HTTP/1.1: for clients of all kinds.
    Http1,
    /// HTTP/1.1, and HTTP/2 with prior knowledge, as gRPC needs it: for the sidecar.
    Http1AndHttp2,
}

/// Serves until the shutdown closes listeners, then lets requests in hand end within its deadline.
pub async fn serve(
    listener: TcpListener,
    protocols: Protocols,
    router: Router,
    limits: Limits,
    shutdown: &Shutdown,
) {
    let accept = Accept {
        protocols,
        connections: Arc::new(Semaphore::new(limits.max_connections)),
        shed: Arc::new(Semaphore::new(SHED)),
        tasks: TaskTracker::new(),
        graceful: GracefulShutdown::new(),
        header_timeout: limits.header_timeout,
        router,
        refusal: Router::new().fallback(refuse),
        shutdown: shutdown.clone(),
    };
    tokio::select! {
        () = accept.run(&listener) => {}
        () = shutdown.closing() => {}
    }
    drop(listener);
    accept.drain(shutdown.deadline()).await;
}

struct Accept {
    protocols: Protocols,
    connections: Arc<Semaphore>,
    shed: Arc<Semaphore>,
    tasks: TaskTracker,
    graceful: GracefulShutdown,
    header_timeout: Duration,
    router: Router,
    refusal: Router,
    shutdown: Shutdown,
}

impl Accept {
    async fn run(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                // Decided now: a place that was chosen before a connection came could be of another time.
                Ok((stream, _)) => self.start(stream).await,
                // Out of file descriptors or memory: the kernel gives no event for "there are some again".
                Err(error) if !is_of_the_client(&error) => {
                    tracing::warn!(%error, "cannot accept connections for a moment");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(_) => {}
            }
        }
    }

    /// Gives the connection a place; waits while there is none to be had, not even one to be refused in.
    async fn start(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let (connections, shed) = (self.connections.clone(), self.shed.clone());
        if let Ok(place) = connections.clone().try_acquire_owned() {
            return self.serve(stream, place);
        }
        tokio::select! {
            biased;
            Ok(place) = connections.acquire_owned() => self.serve(stream, place),
            Ok(place) = shed.acquire_owned() => self.refuse(stream, place),
            else => {}
        }
    }

    fn serve(&self, stream: TcpStream, place: OwnedSemaphorePermit) {
        let (router, shutdown) = (self.router.clone(), self.shutdown.clone());
        let (timeout, watcher) = (self.header_timeout, self.graceful.watcher());
        let protocols = self.protocols;
        let connection = connection::serve(stream, protocols, router, timeout, watcher, shutdown);
        self.tasks.spawn(async move {
            connection.await;
            drop(place);
        });
    }

    fn refuse(&self, stream: TcpStream, shed: OwnedSemaphorePermit) {
        let (protocols, timeout) = (self.protocols, self.header_timeout);
        let (router, refusal) = (self.router.clone(), self.refusal.clone());
        let (connections, watcher) = (self.connections.clone(), self.graceful.watcher());
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            if let Ok(Ok(place)) = tokio::time::timeout(GRACE, connections.acquire_owned()).await {
                drop(shed);
                connection::serve(stream, protocols, router, timeout, watcher, shutdown).await;
                drop(place);
            } else {
                REFUSED.add(1, &[]);
                let (protocols, timeout) = (Protocols::Http1, SHED_TIMEOUT);
                connection::serve(stream, protocols, refusal, timeout, watcher, shutdown).await;
                drop(shed);
            }
        });
    }

    async fn drain(self, deadline: Duration) {
        self.tasks.close();
        let ended = async {
            self.graceful.shutdown().await;
            self.tasks.wait().await;
        };
        if tokio::time::timeout(deadline, ended).await.is_err() {
            tracing::warn!(
                connections = self.tasks.len(),
                ?deadline,
                "requests cut off at the shutdown deadline"
            );
        }
    }
}

async fn refuse() -> Response {
    let mut response =
        Problem::overloaded("Every connection of this instance is in use.").into_response();
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn is_of_the_client(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
