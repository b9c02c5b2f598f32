//! The time of day, for what others read: a record in the state store, a metric. No decision about a lease or a deadline is made by it.
//! And the longest span of time that anything is set to.

// Wall-clock time is what is wanted here.
#![allow(clippy::disallowed_types)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Since 1970.
pub(crate) fn since_1970() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default()
}

/// Now in UTC, to the second, as daprd writes it: `2026-11-24T09:30:00Z`.
pub(crate) fn rfc3339() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// In UTC, `None` outside the years 1970 to 9999.
pub(crate) fn rfc3339_of(time: SystemTime) -> Option<String> {
    const YEAR_10000: u64 = 253_402_300_800;
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    (since.as_secs() < YEAR_10000).then(|| humantime::format_rfc3339(time).to_string())
}

/// So long from now, as [`rfc3339`].
pub(crate) fn rfc3339_in(span: Duration) -> String {
    humantime::format_rfc3339_seconds(SystemTime::now() + bounded(span)).to_string()
}

/// Ten years. A longer span means "never", and could not be added to an instant.
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

/// What a caller has asked for, so that it can be calculated with.
pub(crate) fn bounded(span: Duration) -> Duration {
    span.min(LONGEST)
}
