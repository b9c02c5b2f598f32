//! Why an event was not published, or may not have been.

use std::time::Duration;

use tonic::{Code, Status};

use crate::BoxError;

/// The result of [`Publisher::publish`](crate::Publisher::publish) when it is not success.
///
/// Only [`Deadline`](Self::Deadline) leaves open whether the event was published; after all others
/// it was not, as far as daprd and the broker say.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// As many events wait as may. Try again later; over HTTP this is a 429.
    #[error("{waiting} events wait already")]
    QueueFull {
        /// How many waited.
        waiting: usize,
    },
    /// The outcome is unknown: time ran out while an attempt was under way, or an attempt before got no answer, or an error of the
    /// broker's, which may have stored the event before its connection broke. Publishing again under the same id is safe. Over
    /// HTTP this is a 504.
    #[error("no acknowledgement within {deadline:?}: the event may have been published")]
    Deadline {
        /// The caller's deadline.
        deadline: Duration,
        /// How the last attempt that ended did end.
        source: Option<BoxError>,
    },
    /// No attempt until the deadline has reached the broker: the sidecar is down, or the component is not loaded. Over HTTP this is
    /// a 503.
    #[error("not published: {attempts} attempts refused until the deadline")]
    Unavailable {
        /// How many attempts there were. 0: the event waited behind calls that got no answer.
        attempts: u32,
        /// The answer to the last one.
        source: Option<BoxError>,
    },
    /// daprd will not take this event, now or later: the topic is not allowed for this app-id, the
    /// token is wrong, a metadata value is bad, or the event is too large.
    #[error("rejected ({code}): {message}")]
    Rejected {
        /// The gRPC code by its name, for instance `PERMISSION_DENIED`.
        code: &'static str,
        /// daprd's words, or this crate's where it did not ask daprd.
        message: String,
        /// daprd's answer, where there was one.
        source: Option<BoxError>,
    },
    /// The data could not be written as JSON.
    #[error("the event's data cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// The publisher was shut down before the event was sent.
    #[error("the publisher is shut down")]
    Closed,
}

impl PublishError {
    /// A word for metrics and spans.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::QueueFull { .. } => "queue_full",
            Self::Deadline { .. } => "deadline",
            Self::Unavailable { .. } => "unavailable",
            Self::Rejected { .. } => "rejected",
            Self::Encode(_) => "encode",
            Self::Closed => "closed",
        }
    }

    pub(super) fn rejected(status: Status) -> Self {
        Self::Rejected {
            code: code_name(status.code()),
            message: status.message().to_owned(),
            source: Some(Box::new(status)),
        }
    }

    pub(super) fn unfit(message: impl Into<String>) -> Self {
        Self::Rejected {
            code: code_name(Code::InvalidArgument),
            message: message.into(),
            source: None,
        }
    }
}

/// gRPC's codes as its specification spells them.
pub(super) const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
