//! An HTTP/1 client as a careful one is: an end to every exchange, and another try where that is safe.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client as Pooled, Error as Failed};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::de::DeserializeOwned;
use task_api::IDEMPOTENCY_KEY;
use tokio::time::timeout;

/// No answer is nearly as long.
const LONGEST_ANSWER: usize = 4 * 1024 * 1024;

/// Connections that were idle for longer are not used again. Servers and load balancers close theirs after a minute or more, and a
/// request that crosses the close gets no answer.
const IDLE: Duration = Duration::from_secs(20);

/// How often a request is sent at most.
const TRIES: u32 = 3;

/// The client. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    pooled: Pooled<HttpConnector, Full<Bytes>>,
}

/// A complete answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// How often the request was sent until it came.
    pub sent: u32,
}

impl Answer {
    /// The header's value; empty without one.
    pub fn header(&self, name: HeaderName) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as text, for messages.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).trim().to_owned()
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("{} is not the expected JSON", self.text()))
    }
}

impl Client {
    /// A client without connections.
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let pooled = Pooled::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Self { pooled }
    }

    /// Sends a request and reads the whole answer; any status is one.
    ///
    /// A server that ends a connection may do so while a request is on its way there. No server can prevent that, so clients send
    /// the request again where it is safe: its method is idempotent (RFC 9110, section 9.2.2), or it carries an `Idempotency-Key`.
    /// Go's `net/http` does the same.
    ///
    /// # Errors
    /// No connection, no answer within `limit`, or a connection that closed before one; each names the request.
    pub async fn send(&self, request: Request<Full<Bytes>>, limit: Duration) -> Result<Answer> {
        let what = format!("{} {}", request.method(), request.uri());
        let answer = timeout(limit, self.exchange(&request)).await;
        let answer = answer.with_context(|| format!("{what}: no answer within {limit:?}"))?;
        answer.with_context(|| what)
    }

    async fn exchange(&self, request: &Request<Full<Bytes>>) -> Result<Answer> {
        let tries = if may_be_repeated(request) { TRIES } else { 1 };
        let mut sent = 1;
        loop {
            match self.pooled.request(request.clone()).await {
                Ok(response) => return read(response, sent).await,
                Err(error) if sent < tries && is_closed(&error) => sent += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

async fn read(response: Response<Incoming>, sent: u32) -> Result<Answer> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, LONGEST_ANSWER).collect().await;
    let body = body.map_err(anyhow::Error::from_boxed)?.to_bytes();
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body,
        sent,
    })
}

fn may_be_repeated(request: &Request<Full<Bytes>>) -> bool {
    request.method().is_idempotent() || request.headers().contains_key(IDEMPOTENCY_KEY)
}

/// Whether an established connection ended before there was an answer.
fn is_closed(error: &Failed) -> bool {
    let causes = std::iter::successors(error.source(), |it| (*it).source());
    !error.is_connect()
        && causes.into_iter().any(|cause| {
            let http = cause.downcast_ref::<hyper::Error>();
            let socket = cause.downcast_ref::<std::io::Error>();
            http.is_some_and(hyper::Error::is_incomplete_message)
                || socket.is_some_and(|it| {
                    matches!(
                        it.kind(),
                        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
                    )
                })
        })
}
