//! One connection, in the versions of HTTP that its listener speaks.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_io_timeout::TimeoutWriter;

use super::Protocols;
use super::exchange::Exchange;
use super::lent::Lent;
use crate::shutdown::Shutdown;

/// How long a peer may leave our answers unread, once no more of them fits into its and our kernel's buffers. A client that sends
/// request after request and never reads would otherwise hold its place for ever, and a drain up to its deadline.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a request's head from a client.
const HEAD: usize = 16 * 1024;

/// The same from the sidecar: it makes headers of an event's metadata, of which brokers and foreign publishers allow far more
/// than a client may send. What is too large here could never be delivered.
const SIDECAR_HEAD: usize = 1024 * 1024;
const SIDECAR_HEADERS: usize = 1000;

/// A peer that does not answer a ping for so long is gone. Longer than a pause of either side that is worth surviving.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Calls on one connection.
const STREAMS: u32 = 250;

/// What a stream may have sent while nobody reads it, and all of them together: a call that waits for its turn must not keep the
/// others from sending.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = STREAMS * STREAM_WINDOW;

/// Serves one connection. `timeout` is for the head of its first request in either version, and of later ones in HTTP/1.1.
pub(super) async fn serve(
    stream: TcpStream,
    protocols: Protocols,
    router: Router,
    timeout: Duration,
    watcher: Watcher,
    shutdown: Shutdown,
) {
    let begun = Arc::new(AtomicBool::new(false));
    let exchange = Arc::new(Exchange {
        router,
        shutdown,
        cut_off: AtomicBool::new(false),
    });
    let (first, exchanges) = (Arc::clone(&begun), Arc::clone(&exchange));
    let service = service_fn(move |request: Request<Incoming>| {
        first.store(true, Ordering::Relaxed);
        let exchange = Arc::clone(&exchanges);
        async move { Ok::<_, Infallible>(exchange.answer(request.map(Body::new)).await) }
    });
    let (stream, back) = Lent::new(stream);
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(WRITE_TIMEOUT));
    let builder = builder(protocols, timeout);
    let connection = builder.serve_connection(TokioIo::new(Box::pin(stream)), service);
    let silent = async {
        sleep(timeout).await;
        if begun.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    };
    let mut refused = false;
    tokio::select! {
        ended = watcher.watch(connection) => {
            if let Err(error) = ended {
                refused = is_refusal(&*error);
                tracing::debug!(%error, "a connection ended badly");
            }
        }
        () = silent => tracing::debug!(?timeout, "a connection without a request was closed"),
    }
    if refused || exchange.is_cut_off() {
        back.linger().await;
    }
}

/// Whether hyper itself has answered: a head that is too large or cannot be read, of which the rest may still be on its way.
fn is_refusal(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref().is_some_and(hyper::Error::is_parse)
}

fn builder(protocols: Protocols, header_timeout: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(HEAD)
        .half_close(true);
    if protocols == Protocols::Http1 {
        return builder.http1_only();
    }
    builder
        .http1()
        .max_buf_size(SIDECAR_HEAD)
        .max_headers(SIDECAR_HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(u32::try_from(SIDECAR_HEAD).unwrap_or(u32::MAX));
    builder
}
