//! How long a failed event rests.

use std::time::Duration;

use super::PublisherOptions;

/// The pause before the next attempt, chosen evenly between nothing and a bound that doubles
/// with each attempt. `None` when too little time is left for an attempt to be worth waiting for.
pub(super) fn pause(
    options: &PublisherOptions,
    attempts: u32,
    remaining: Duration,
    random: f64,
) -> Option<Duration> {
    if remaining <= options.backoff_initial {
        return None;
    }
    let doublings = attempts.saturating_sub(1).min(16);
    let bound = options
        .backoff_initial
        .saturating_mul(1 << doublings)
        .min(options.backoff_max);
    // Never past the deadline, and with as much time left for the attempt as was spent waiting.
    Some(bound.min(remaining / 2).mul_f64(random.clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::pause;
    use crate::PublisherOptions;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_bound_doubles_up_to_its_limit() {
        let options = PublisherOptions::new("p", "t");
        let hour = Duration::from_hours(1);
        let bound = |attempts| pause(&options, attempts, hour, 1.0).unwrap();
        assert_eq!(bound(1), 50 * MS);
        assert_eq!(bound(2), 100 * MS);
        assert_eq!(bound(5), 800 * MS);
        assert_eq!(bound(6), 1000 * MS);
        assert_eq!(bound(u32::MAX), 1000 * MS);
        assert_eq!(pause(&options, 3, hour, 0.0), Some(Duration::ZERO));
    }

    #[test]
    fn time_is_left_for_the_attempt() {
        let options = PublisherOptions::new("p", "t");
        assert_eq!(pause(&options, 6, 300 * MS, 1.0), Some(150 * MS));
        assert_eq!(pause(&options, 6, 50 * MS, 1.0), None);
    }
}
