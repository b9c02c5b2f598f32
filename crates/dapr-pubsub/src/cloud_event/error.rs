//! Why an event could not be read.

/// Why bytes are not an event, or its data is not what the handler takes.
///
/// Reading them again gives the same result, so a subscriber answers DROP: the event goes to the
/// dead-letter topic, where someone can look at it. No message quotes the event's data or body.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not a JSON object, for this reason.
    #[error("the body is not a JSON object: {0}")]
    Json(String),
    /// A required attribute is absent, empty, or not a string.
    #[error("attribute `{0}` is missing or not a non-empty string")]
    Attribute(&'static str),
    /// Another version of the envelope: the beginning of what was sent.
    #[error("specversion is `{0}`, expected `1.0`")]
    SpecVersion(String),
    /// `data_base64` is not base64.
    #[error("data_base64 is not base64")]
    Base64,
    /// `data` is not what the handler takes: the place, and what is wrong there.
    #[error("data does not fit the expected type: {0}")]
    Data(String),
    /// `data` is text of this `datacontenttype`, and not JSON, which the handler takes.
    #[error(
        "data is text (datacontenttype `{0}`) and not JSON of the expected type: publish it as application/json"
    )]
    Text(String),
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
            Self::Base64 => "base64",
            Self::Data(_) => "data",
            Self::Text(_) | Self::ContentType(_) => "datacontenttype",
            Self::TooLarge { .. } => "too_large",
        }
    }
}
