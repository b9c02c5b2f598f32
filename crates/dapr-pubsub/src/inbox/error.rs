//! Why an event could not be claimed, or its handling not be recorded.

use super::store::StoreError;
use crate::{BoxError, Outcome};

/// Every case means RETRY: `Outcome::from` says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InboxError {
    /// The state store, or the sidecar, gave no usable answer.
    #[error("the state store is not available: {}", crate::said(source))]
    Unavailable {
        /// gRPC's answer.
        source: BoxError,
    },
    /// The record is not one of this crate's.
    #[error("the record is not readable: {source}")]
    Record {
        /// What is wrong with it.
        source: BoxError,
    },
    /// The claim ended before the work did, and somebody else has the event now: its effect may
    /// happen twice.
    #[error("the claim was lost before the work was recorded")]
    LeaseLost,
    /// The event was handled, but that could not be recorded: it will be handled again.
    #[error(
        "the event was handled, but it could not be recorded: {}",
        crate::said(source)
    )]
    NotRecorded {
        /// The answer to the last attempt.
        source: BoxError,
    },
}

impl From<StoreError> for InboxError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(source) | StoreError::Failed(source) => Self::Unavailable {
                source: source.into(),
            },
            StoreError::Record(source) => Self::Record {
                source: Box::new(source),
            },
        }
    }
}

impl From<InboxError> for Outcome {
    fn from(_: InboxError) -> Self {
        Self::Retry
    }
}
