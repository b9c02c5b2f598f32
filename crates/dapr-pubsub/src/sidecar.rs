//! The connection to the application's own daprd.

mod version;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dapr::dapr::proto::runtime::v1::dapr_client::DaprClient;
use dapr::dapr::proto::runtime::v1::{GetMetadataRequest, GetMetadataResponse, ShutdownRequest};
use http::Uri;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{IntoRequest, Request, Response, Status};
use tracing::Span;

use crate::trace_context::{TRACE_PARENT, TraceHeaders};
use crate::{BoxError, Secret};

/// Loopback: a sidecar that has not accepted after this long is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// daprd closes connections that ping more often than every 8 s
/// (dapr/dapr `pkg/api/grpc/server.go`, `KeepaliveEnforcementPolicy`).
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) type Client = DaprClient<InterceptedService<Channel, Outbound>>;

/// Where the sidecar listens, and how to authenticate to it.
///
/// ```
/// use dapr_pubsub::{SidecarError, SidecarOptions};
///
/// let by_tcp = SidecarOptions::new("http://127.0.0.1:50001");
/// by_tcp.check()?;
/// // daprd with `--unix-domain-socket=/run/dapr` and the app-id `task-api`.
/// let mut by_socket = SidecarOptions::new("unix:/run/dapr/dapr-task-api-grpc.socket");
/// by_socket.api_token = Some("s3cret".to_owned().into());
/// by_socket.check()?;
/// # Ok::<(), SidecarError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SidecarOptions {
    /// daprd's gRPC API, as `http://host:port`, or `unix:/path` of its socket. The connection never leaves the pod, so there is
    /// no TLS: an `https` endpoint is refused.
    pub grpc_endpoint: String,
    /// Sent as `dapr-api-token` with each call, when daprd was started with `DAPR_API_TOKEN`.
    pub api_token: Option<Secret>,
}

impl SidecarOptions {
    /// Without a token.
    pub fn new(grpc_endpoint: impl Into<String>) -> Self {
        Self {
            grpc_endpoint: grpc_endpoint.into(),
            api_token: None,
        }
    }

    /// Whether [`Sidecar::new`] will take them, for whoever reads configuration before there is a runtime.
    ///
    /// # Errors
    /// [`SidecarError::Endpoint`] or [`SidecarError::Token`].
    pub fn check(&self) -> Result<(), SidecarError> {
        endpoint(&self.grpc_endpoint)?;
        Outbound::new(self.api_token.as_ref()).map(drop)
    }
}

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
        let channel = endpoint(&options.grpc_endpoint)?.connect_lazy();
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

fn endpoint(text: &str) -> Result<Endpoint, SidecarError> {
    let invalid = |source: Option<BoxError>| SidecarError::Endpoint {
        endpoint: text.to_owned(),
        source,
    };
    let endpoint = if let Some(path) = text.strip_prefix("unix:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.len() < 2 || !path.starts_with('/') {
            return Err(invalid(None));
        }
        Endpoint::from_shared(format!("unix:{path}"))
            .map_err(|error| invalid(Some(Box::new(error))))?
    } else {
        let uri: Uri = text
            .parse()
            .map_err(|error| invalid(Some(Box::new(error))))?;
        if uri.scheme_str() != Some("http") || uri.host().is_none_or(str::is_empty) {
            return Err(invalid(None));
        }
        Endpoint::from(uri)
    };
    Ok(endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true))
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

#[cfg(test)]
mod tests {
    use super::{Sidecar, SidecarError, SidecarOptions};

    fn options(endpoint: &str) -> SidecarOptions {
        SidecarOptions::new(endpoint)
    }

    #[tokio::test]
    async fn refuses_what_is_no_endpoint() {
        for good in [
            "http://127.0.0.1:50001",
            "unix:/tmp/dapr.sock",
            "unix:///tmp/dapr.sock",
        ] {
            assert!(Sidecar::new(&options(good)).is_ok(), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1:50001",
            "https://127.0.0.1:50001",
            "unix:",
            "unix:/",
            "unix:dapr.sock",
            "unix://host/dapr.sock",
        ] {
            assert!(
                matches!(
                    Sidecar::new(&options(bad)),
                    Err(SidecarError::Endpoint { .. })
                ),
                "{bad}"
            );
        }
    }

    #[tokio::test]
    async fn refuses_a_token_that_no_header_can_carry() {
        let options = SidecarOptions {
            api_token: Some("a\nb".parse().unwrap()),
            ..options("http://x:1")
        };
        assert!(matches!(Sidecar::new(&options), Err(SidecarError::Token)));
    }

    #[test]
    fn says_so_outside_a_runtime() {
        let made = Sidecar::new(&options("http://127.0.0.1:50001"));
        assert!(matches!(made, Err(SidecarError::NoRuntime)));
    }
}
