//! What bounds a delivery.

use std::time::Duration;

use super::own::Own;

const MIB: usize = 1024 * 1024;
/// daprd takes events of 4 MiB (dapr/dapr `pkg/runtime/config.go`) and delivers them in an envelope,
/// in which each byte may have become six (`<` is written as `\u003c`). What was acknowledged must not
/// be dropped for its size.
const ONE_BODY: usize = 25 * MIB;
/// However many messages a bulk delivery may have, no more than this is held in memory for one.
const BULK_BODY: usize = 64 * MIB;

/// Four events of the largest size that daprd takes. As types and log lines they need three times as much.
const IN_HAND: usize = 16 * MIB;

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes of a body with one event.
    pub(super) body: usize,
    /// From the request's arrival to its answer.
    pub(super) handler: Duration,
    /// Entries of one bulk delivery that are handled at once.
    pub(super) bulk_concurrency: usize,
    /// Failed attempts of one event until it is dropped; none where something else counts them.
    pub(super) attempts: Option<u32>,
    /// Bytes of all deliveries together.
    pub(super) in_hand: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: ONE_BODY,
            handler: Duration::from_secs(5),
            bulk_concurrency: 16,
            attempts: None,
            in_hand: IN_HAND,
        }
    }
}

impl Limits {
    /// Those of one subscription.
    pub(super) fn of(mut self, own: &Own) -> Self {
        self.body = own.body_limit.unwrap_or(self.body);
        self.handler = own.handler_timeout.unwrap_or(self.handler);
        self
    }

    /// What is enough for either.
    pub(super) fn widened(mut self, other: &Self) -> Self {
        self.body = self.body.max(other.body);
        self.handler = self.handler.max(other.handler);
        self
    }

    /// Bytes of a delivery, with one event or in bulk.
    pub(super) fn message(&self, bulk: bool) -> usize {
        if bulk {
            BULK_BODY.max(self.body)
        } else {
            self.body
        }
    }
}
