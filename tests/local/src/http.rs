//! The client of the probe, with the calls that a harness makes.

use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, header::CONTENT_TYPE};
use serde::Serialize;
use task_probe::client::Client;

pub use task_probe::client::Answer;

/// One question whether something is ready.
const PROBE: Duration = Duration::from_secs(2);

/// The client. Clones share their connections.
#[derive(Debug, Clone, Default)]
pub struct Http {
    client: Client,
}

impl Http {
    /// A client without connections.
    pub fn new() -> Self {
        Self::default()
    }

    /// `GET url`; any status is an answer.
    pub async fn get(&self, url: &str, deadline: Duration) -> Result<Answer> {
        self.send(Request::get(url).body(Full::default())?, deadline)
            .await
    }

    /// Whether `GET url` is answered 2xx; the error says what it is answered instead.
    pub async fn succeeds(&self, url: &str) -> Result<(), String> {
        match self.get(url, PROBE).await {
            Ok(answer) if answer.status.is_success() => Ok(()),
            Ok(answer) => Err(format!("GET {url}: {} {}", answer.status, answer.text())),
            Err(error) => Err(format!("{error:#}")),
        }
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

    /// Sends any request, as [`Client::send`] does.
    pub async fn send(&self, request: Request<Full<Bytes>>, deadline: Duration) -> Result<Answer> {
        self.client.send(request, deadline).await
    }
}
