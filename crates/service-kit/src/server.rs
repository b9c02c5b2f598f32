//! The accept loop of every listener: limits, timeouts and a drain that ends.
//!
//! `axum::serve` sets no `TCP_NODELAY`, no header timeout and no deadline for its drain, and takes any number of
//! connections; each of them is a way to stall a service from outside.

mod connection;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, Request, Version, header};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use crate::body;
use crate::problem::Problem;
use crate::shutdown::Shutdown;

/// Connections beyond the limit that are answered 429 and closed at the same time; more wait in the kernel.
const SHED: usize = 512;

/// How long a connection that can only be refused may take to send its request.
const SHED_TIMEOUT: Duration = Duration::from_secs(10);

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
        router: router.layer(middleware::from_fn_with_state(shutdown.clone(), part)),
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
}

impl Accept {
    async fn run(&self, listener: &TcpListener) {
        loop {
            let Some((permit, overloaded)) = self.permit().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, _)) => self.start(stream, permit, overloaded),
                // Out of file descriptors or memory: the kernel gives no event for "there are some again".
                Err(error) if !is_of_the_client(&error) => {
                    tracing::warn!(%error, "cannot accept connections for a moment");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(_) => {}
            }
        }
    }

    /// The right to one more connection, and whether it can only be told to go away.
    async fn permit(&self) -> Option<(OwnedSemaphorePermit, bool)> {
        if let Ok(permit) = self.connections.clone().try_acquire_owned() {
            return Some((permit, false));
        }
        tokio::select! {
            permit = self.connections.clone().acquire_owned() => Some((permit.ok()?, false)),
            permit = self.shed.clone().acquire_owned() => Some((permit.ok()?, true)),
        }
    }

    fn start(&self, stream: TcpStream, permit: OwnedSemaphorePermit, overloaded: bool) {
        let _ = stream.set_nodelay(true);
        let watcher = self.graceful.watcher();
        let timeout = self.header_timeout;
        if overloaded {
            let refuse = TowerToHyperService::new(tower::service_fn(refuse));
            self.tasks.spawn(async move {
                let builder = connection::builder(Protocols::Http1, SHED_TIMEOUT);
                let connection = builder.serve_connection(TokioIo::new(stream), refuse);
                let _ = watcher.watch(connection).await;
                drop(permit);
            });
        } else {
            let router = self.router.clone();
            self.tasks.spawn(connection::serve(
                stream,
                self.protocols,
                router,
                timeout,
                watcher,
                permit,
            ));
        }
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

/// While draining, an answer is the last one on its connection: clients that keep connections open would otherwise learn of
/// the end from a request that fails.
async fn part(
    State(shutdown): State<Shutdown>,
    request: axum::extract::Request,
    next: middleware::Next,
) -> Response {
    let version = request.version();
    let mut response = next.run(request).await;
    // HTTP/2 says it by GOAWAY, and has no such header.
    if shutdown.is_draining() && version != Version::HTTP_2 {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn refuse(request: Request<Incoming>) -> Result<Response, Infallible> {
    // Its content does not matter, but a client that is still sending would not see the answer.
    let _ = body::read(request.into_body()).await;
    let mut response =
        Problem::overloaded("Every connection of this instance is in use.").into_response();
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    Ok(response)
}

fn is_of_the_client(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}
