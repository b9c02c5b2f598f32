//! What bounds a delivery.

use std::time::Duration;

const MIB: usize = 1024 * 1024;
/// daprd takes events of 4 MiB (dapr/dapr `pkg/runtime/config.go`) and delivers them in an envelope,
/// in which each byte may have become six (`<` is written as `\u003c`). What was acknowledged must not
/// be dropped for its size.
const ONE_BODY: usize = 25 * MIB;
/// However many messages a bulk delivery may have, no more than this is held in memory for one.
const BULK_BODY: usize = 64 * MIB;

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes of a body with one event.
    pub(super) body: usize,
    /// From the request's arrival to its answer.
    pub(super) handler: Duration,
    /// Entries of one bulk delivery that are handled at once.
    pub(super) bulk_concurrency: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: ONE_BODY,
            handler: Duration::from_secs(5),
            bulk_concurrency: 16,
        }
    }
}

impl Limits {
    /// Bytes of a body with up to `messages` events.
    pub(super) fn bulk_body(&self, messages: usize) -> usize {
        self.body
            .saturating_mul(messages.max(1))
            .min(BULK_BODY.max(self.body))
    }
}
