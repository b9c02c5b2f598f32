//! The connection to the application's own daprd.

mod options;
mod version;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dapr::dapr::proto::runtime::v1::dapr_client::DaprClient;
use dapr::dapr::proto::runtime::v1::{GetMetadataRequest, GetMetadataResponse, ShutdownRequest};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{IntoRequest, Request, Response, Status};
use tracing::Span;

pub use options::SidecarOptions;

use crate::trace_context::{TRACE_PARENT, TraceHeaders};
use crate::{BoxError, Secret};

pub(crate) type Client = DaprClient<InterceptedService<Channel, Outbound>>;

/// One multiplexed connection to the sidecar, shared by everything that is built on it.
///
/// It is opened by the first call and reopened by the next one after it broke, so neither the order
/// in which application and sidecar start nor a restart of daprd matters. Clones share it.
#[derive(Clone)]
pub struct Sidecar {
    client: Client,
    endpoint: Arc<str>,
    /// Whether its version has been looked at.
    checked: Arc<AtomicBool>,
}

/// A component that the sidecar has initialised.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadedComponent {
    /// `metadata.name` of the Component.
    pub name: String,
    /// Its type, for instance `pubsub.redis`.
    pub kind: String,
}

impl LoadedComponent {
    /// For tests of what is done with it.
    pub fn new(name: impl Into<String>, kind: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: kind.into(),
        }
    }
}

/// Why there is no [`Sidecar`], or no answer from it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SidecarError {
    /// The endpoint is neither `http://host:port` nor `unix:/path`.
    #[error("`{endpoint}` is not a sidecar endpoint: expected http://host:port or unix:/path")]
    Endpoint {
        /// What was configured.
        endpoint: String,
        /// What is wrong with it, where the parser said so.
        source: Option<BoxError>,
    },
    /// The token contains characters that a header cannot carry.
    #[error("the API token is not printable ASCII, so it cannot be sent")]
    Token,
    /// Called outside a tokio runtime.
    #[error("a sidecar connection needs a running tokio runtime")]
    NoRuntime,
    /// The sidecar did not answer, or refused to.
    #[error("the sidecar at {endpoint} did not answer: {}", crate::said(source))]
    Call {
        /// The endpoint that was called.
        endpoint: String,
        /// gRPC's answer.
        source: BoxError,
    },
}

impl Sidecar {
    /// Prepares the connection; no I/O happens before the first call.
    pub fn new(options: &SidecarOptions) -> Result<Self, SidecarError> {
        tokio::runtime::Handle::try_current().map_err(|_| SidecarError::NoRuntime)?;
        let channel = options.endpoint()?.connect_lazy();
        Self::over(channel, &options.grpc_endpoint, options.api_token.as_ref())
    }

    /// Over a channel of tonic 0.14 that there is already, set up as the caller likes: shared with other clients, balanced, or with a
    /// connector of its own. It should connect lazily, and again after a connection broke; and send pings, no more often than every 8 s,
    /// because a peer that has gone without a word is noticed by nothing else. `api_token` as in [`SidecarOptions`].
    ///
    /// ```
    /// use dapr_pubsub::{Sidecar, SidecarError};
    /// use tonic::transport::Channel;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), SidecarError> {
    /// let channel = Channel::from_static("http://127.0.0.1:50001").connect_lazy();
    /// let sidecar = Sidecar::with_channel(channel, None)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SidecarError::Token`].
    pub fn with_channel(
        channel: Channel,
        api_token: Option<&Secret>,
    ) -> Result<Self, SidecarError> {
        Self::over(channel, "the end of the given channel", api_token)
    }

    fn over(
        channel: Channel,
        endpoint: &str,
        api_token: Option<&Secret>,
    ) -> Result<Self, SidecarError> {
        let outbound = Outbound::new(api_token)?;
        Ok(Self {
            client: DaprClient::with_interceptor(channel, outbound),
            endpoint: endpoint.into(),
            checked: Arc::default(),
        })
    }

    /// The components that daprd has initialised so far (`GetMetadata`).
    ///
    /// daprd lists a Component only once its `Init` succeeded, which for a pub/sub component
    /// includes reaching the broker: this, unlike `/v1.0/healthz`, is a useful readiness check.
    pub async fn components(
        &self,
        deadline: Duration,
    ) -> Result<Vec<LoadedComponent>, SidecarError> {
        let components = self.metadata(deadline).await?.registered_components;
        let components = components.into_iter();
        Ok(components
            .map(|it| LoadedComponent::new(it.name, it.r#type))
            .collect())
    }

    /// What the sidecar says about itself. The first answer is checked: what an older daprd does is worth a line in the log.
    pub(crate) async fn metadata(
        &self,
        deadline: Duration,
    ) -> Result<GetMetadataResponse, SidecarError> {
        let metadata = self
            .call(
                deadline,
                GetMetadataRequest {},
                async |mut client, request| client.get_metadata(request).await,
            )
            .await
            .map_err(|status| self.unanswered(status))?;
        if !self.checked.swap(true, Ordering::Relaxed) {
            version::check(&metadata.runtime_version);
        }
        Ok(metadata)
    }

    /// The version of daprd (`GetMetadata`), as it says it: `1.18.3`.
    ///
    /// The first answer to this or [`components`](Self::components) is held against the version that this crate is made for; an
    /// older one is logged, with what it does to events.
    pub async fn version(&self, deadline: Duration) -> Result<String, SidecarError> {
        Ok(self.metadata(deadline).await?.runtime_version)
    }

    /// Asks daprd to end (`Shutdown`): for a process that runs to completion beside a sidecar that does
    /// not end by itself, as one that is not a native sidecar container.
    pub async fn shutdown(&self, deadline: Duration) -> Result<(), SidecarError> {
        self.call(deadline, ShutdownRequest {}, async |mut client, request| {
            client.shutdown(request).await
        })
        .await
        .map_err(|status| self.unanswered(status))
    }

    fn unanswered(&self, status: Status) -> SidecarError {
        SidecarError::Call {
            endpoint: self.endpoint.to_string(),
            source: status.into(),
        }
    }

    /// One call with an end, which holds even if daprd hangs; giving up cancels the call in daprd too.
    ///
    /// daprd is not told the deadline beforehand: a component may take the end of its context for success (`Publish` of
    /// components-contrib 1.18 `pubsub/rabbitmq`, while it reconnects), and that answer could still come in time to be believed.
    pub(crate) async fn call<M, R, F, Fut>(
        &self,
        limit: Duration,
        message: impl IntoRequest<M>,
        call: F,
    ) -> Result<R, Status>
    where
        F: FnOnce(Client, Request<M>) -> Fut,
        Fut: Future<Output = Result<Response<R>, Status>>,
    {
        let request = message.into_request();
        match tokio::time::timeout(limit, call(self.client.clone(), request)).await {
            Ok(answer) => answer.map(Response::into_inner),
            Err(_) => Err(Status::deadline_exceeded(format!(
                "no answer within {limit:?}"
            ))),
        }
    }
}

impl fmt::Debug for Sidecar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sidecar")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

// === impl Outbound ===

/// Adds to each call what daprd expects of it: the token, and the trace it belongs to.
#[derive(Clone)]
pub(crate) struct Outbound {
    token: Option<MetadataValue<Ascii>>,
}

impl Outbound {
    fn new(token: Option<&Secret>) -> Result<Self, SidecarError> {
        let token = token.map(|token| token.expose().parse::<MetadataValue<Ascii>>());
        let mut token = token.transpose().map_err(|_| SidecarError::Token)?;
        if let Some(token) = &mut token {
            token.set_sensitive(true);
        }
        Ok(Self { token })
    }
}

impl Interceptor for Outbound {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        if let Some(token) = &self.token {
            metadata.insert("dapr-api-token", token.clone());
        }
        // An event's own trace is there already.
        if !metadata.contains_key(TRACE_PARENT)
            && let Some(trace) = TraceHeaders::of(&Span::current())
        {
            trace.write(metadata);
        }
        Ok(request)
    }
}
