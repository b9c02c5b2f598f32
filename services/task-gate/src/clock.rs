//! Time: the deadline of a call, and what needs a clock on the wall.

use std::time::{Duration, Instant};

/// Waits. There is no runtime here whose worker would be blocked.
#[expect(clippy::disallowed_methods, reason = "a blocking program")]
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// Milliseconds since 1970, as brokers without a clock of their own to ask stamp their events.
#[expect(
    clippy::disallowed_types,
    reason = "compared with a broker's timestamps, and only shown"
)]
pub(crate) fn wall_ms() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}

/// What is left until `deadline`. `None`: nothing.
pub(crate) fn left(deadline: Instant) -> Option<Duration> {
    deadline
        .checked_duration_since(Instant::now())
        .filter(|left| !left.is_zero())
}
