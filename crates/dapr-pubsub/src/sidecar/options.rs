//! Where the sidecar is.

use std::time::Duration;

use http::Uri;
use tonic::transport::Endpoint;

use super::{Outbound, SidecarError};
use crate::{BoxError, Secret};

/// Loopback: a sidecar that has not accepted after this long is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// daprd closes connections that ping more often than every 8 s
/// (dapr/dapr `pkg/api/grpc/server.go`, `KeepaliveEnforcementPolicy`).
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);

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
        self.endpoint()?;
        Outbound::new(self.api_token.as_ref()).map(drop)
    }

    pub(super) fn endpoint(&self) -> Result<Endpoint, SidecarError> {
        let text = self.grpc_endpoint.as_str();
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
}

#[cfg(test)]
mod tests {
    use super::SidecarOptions;
    use crate::{Sidecar, SidecarError};

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
