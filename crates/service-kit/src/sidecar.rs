//! Where the Dapr sidecar is, by the variables that Dapr's injector and SDKs use.

use anyhow::Context as _;
use dapr_pubsub::{Secret, Sidecar, SidecarOptions};

/// The sidecar's address and token.
#[derive(Debug, Clone, clap::Args)]
pub struct SidecarArgs {
    /// The sidecar's gRPC API as a URL, or its Unix socket as `unix:/path`. Without it: `http://127.0.0.1:` and `DAPR_GRPC_PORT`.
    #[arg(long, env = "DAPR_GRPC_ENDPOINT", value_parser = endpoint)]
    pub dapr_grpc_endpoint: Option<String>,
    /// The sidecar's gRPC port; the injector sets it.
    #[arg(long, env = "DAPR_GRPC_PORT", default_value_t = 50001)]
    pub dapr_grpc_port: u16,
    /// The token that the sidecar asks of the service (`dapr.io/api-token-secret`).
    #[arg(long, env = "DAPR_API_TOKEN", hide_env_values = true)]
    pub dapr_api_token: Option<Secret>,
}

impl SidecarArgs {
    /// The client. No I/O happens yet.
    ///
    /// # Errors
    /// The address or the token cannot be used.
    pub fn client(&self) -> anyhow::Result<Sidecar> {
        Sidecar::new(&self.options()).context("DAPR_GRPC_ENDPOINT")
    }

    /// What the client needs.
    pub fn options(&self) -> SidecarOptions {
        let default = || format!("http://127.0.0.1:{}", self.dapr_grpc_port);
        let endpoint = self.dapr_grpc_endpoint.clone().unwrap_or_else(default);
        let mut options = SidecarOptions::new(endpoint);
        options.api_token.clone_from(&self.dapr_api_token);
        options
    }
}

fn endpoint(text: &str) -> Result<String, &'static str> {
    if SidecarOptions::new(text).check().is_err() {
        return Err(
            "is neither a URL like `http://127.0.0.1:50001` nor a Unix socket like `unix:/run/dapr/grpc.socket`",
        );
    }
    Ok(text.to_owned())
}
