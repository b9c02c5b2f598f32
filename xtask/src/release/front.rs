//! What stands before our registry: nothing, until it is told to do what a bad registry or a bad line does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use http_body_util::Full;
use local_stack::Http;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The registry behind is on the same machine.
const LIMIT: Duration = Duration::from_secs(30);

/// Far more than a layer of ours has.
const LARGEST: usize = 64 << 20;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// What has this digest is served with one bit flipped.
    Altered(String),
    /// Nothing may be written where this is part of the path.
    ReadOnly(&'static str),
    /// Requests are taken and never answered.
    Hangs,
}

/// A listener that passes everything on.
#[derive(Debug)]
pub(super) struct Front {
    address: String,
    fault: Arc<Mutex<Option<Fault>>>,
    _server: JoinSet<()>,
}

#[derive(Debug, Clone)]
struct Passage {
    http: Http,
    behind: String,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl Front {
    /// Listens on a port of loopback, on any when there is none, before the server at `behind`.
    pub(super) async fn start(port: Option<u16>, behind: &str) -> Result<Self> {
        let port = port.unwrap_or_default();
        let listener = TcpListener::bind(("127.0.0.1", port)).await;
        let listener = listener.with_context(|| {
            format!("--port {port}: the registry cannot listen on 127.0.0.1:{port}")
        })?;
        let address = listener.local_addr()?.to_string();
        let fault = Arc::default();
        let passage = Passage {
            http: Http::new(),
            behind: behind.to_owned(),
            fault: Arc::clone(&fault),
        };
        let router = Router::new().fallback(pass).with_state(passage);
        let mut server = JoinSet::new();
        server.spawn(async move {
            // Ends with this value, or when the listener does.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            address,
            fault,
            _server: server,
        })
    }

    /// `127.0.0.1:port`.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Goes wrong from now on, or no more.
    pub(super) fn set(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

async fn pass(State(passage): State<Passage>, request: Request) -> Response {
    let fault = passage
        .fault
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let path = request.uri().path().to_owned();
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    match fault {
        Some(Fault::Hangs) => std::future::pending().await,
        Some(Fault::ReadOnly(part)) if !reads && path.contains(part) => {
            return StatusCode::FORBIDDEN.into_response();
        }
        _ => {}
    }
    let altered = matches!(&fault, Some(Fault::Altered(digest)) if path.ends_with(digest.as_str()));
    let passed = passage.on(request, altered).await;
    passed.unwrap_or_else(|error| (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response())
}

impl Passage {
    async fn on(&self, request: Request, altered: bool) -> Result<Response> {
        let (mut head, body) = request.into_parts();
        let path = head.uri.path_and_query().context("no path")?;
        head.uri = format!("http://{}{path}", self.behind).parse()?;
        let body = to_bytes(body, LARGEST).await?;
        let request = Request::from_parts(head, Full::from(body));
        let answer = self.http.send(request, LIMIT).await?;
        let mut bytes = answer.body.to_vec();
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle).filter(|_| altered) {
            *byte ^= 1;
        }
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        // The body is in one piece now.
        response.headers_mut().remove(header::TRANSFER_ENCODING);
        Ok(response)
    }
}
