//! The time of day, for what others read: a record in the state store, a metric. No decision about a lease or a deadline is made by it.

// Wall-clock time is what is wanted here.
#![allow(clippy::disallowed_types)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Since 1970.
pub(crate) fn since_1970() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default()
}
