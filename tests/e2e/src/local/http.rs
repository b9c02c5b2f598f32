//! A small HTTP/1 client: pooled connections, and a deadline on every call.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Request, StatusCode, header::CONTENT_TYPE};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::timeout;

/// Idle connections are closed after this; a server that drains closes them earlier.
const IDLE: Duration = Duration::from_secs(30);

/// The client. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
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
}

impl Answer {
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

impl Http {
    /// A client without connections.
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Self { client }
    }

    /// `GET url`; any status is an answer.
    pub async fn get(&self, url: &str, deadline: Duration) -> Result<Answer> {
        self.send(Request::get(url).body(Full::default())?, deadline)
            .await
    }

    /// `POST url` with a JSON body; any status is an answer.
    pub async fn post_json(
        &self,
        url: &str,
        body: &impl Serialize,
        deadline: Duration,
    ) -> Result<Answer> {
        let body = Full::from(serde_json::to_vec(body)?);
        let request = Request::post(url)
            .header(CONTENT_TYPE, "application/json")
            .body(body)?;
        self.send(request, deadline).await
    }

    /// Sends any request and reads the whole answer within `deadline`.
    pub async fn send(&self, request: Request<Full<Bytes>>, deadline: Duration) -> Result<Answer> {
        let what = format!("{} {}", request.method(), request.uri());
        let exchange = async {
            let response = self.client.request(request).await?;
            let (head, body) = response.into_parts();
            let body = body.collect().await?.to_bytes();
            anyhow::Ok(Answer {
                status: head.status,
                headers: head.headers,
                body,
            })
        };
        let answer = timeout(deadline, exchange).await;
        let answer = answer.with_context(|| format!("{what}: no answer within {deadline:?}"))?;
        answer.with_context(|| what)
    }
}

impl Default for Http {
    fn default() -> Self {
        Self::new()
    }
}
