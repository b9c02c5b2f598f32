//! Why an event could not be read.

use crate::BoxError;

/// Why bytes are not an event, or its data is not what the handler takes.
///
/// Reading them again gives the same result, so a subscriber answers DROP: the event goes to the
/// dead-letter topic, where someone can look at it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not a JSON object.
    #[error("the body is not a JSON object: {0}")]
    Json(#[source] serde_json::Error),
    /// A required attribute is absent, empty, or not a string.
    #[error("attribute `{0}` is missing or not a non-empty string")]
    Attribute(&'static str),
    /// Another version of the envelope.
    #[error("specversion is `{0}`, expected `1.0`")]
    SpecVersion(String),
    /// `data_base64` is not base64.
    #[error("data_base64 is not base64: {0}")]
    Base64(#[source] BoxError),
    /// `data` is not what the handler takes. Names the place, never the content.
    #[error("data does not fit the expected type: {0}")]
    Data(#[source] serde_json::Error),
    /// daprd has left `data` out: by gRPC it hands on JSON, text, XML and bytes only
    /// (dapr/dapr `pkg/runtime/pubsub/subscriptions.go`, `GRPCEnvelopeFromSubscriptionMessage`).
    #[error(
        "data of the datacontenttype `{0}` does not come by gRPC: publish it as application/json, text/* or application/octet-stream, \
         or have it delivered by http"
    )]
    ContentType(String),
    /// Larger than the limit that was set for bodies.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
}

impl DecodeError {
    /// A word for metrics.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Json(_) => "json",
            Self::Attribute(_) => "attribute",
            Self::SpecVersion(_) => "specversion",
            Self::Base64(_) => "base64",
            Self::Data(_) => "data",
            Self::ContentType(_) => "datacontenttype",
            Self::TooLarge { .. } => "too_large",
        }
    }
}
