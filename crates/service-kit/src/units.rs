//! Durations and sizes, as people write them.

use std::time::Duration;

/// Reads `5s`, `250ms`, `2m`, `1h 30m`: a number with its unit, greater than zero.
///
/// # Errors
/// A sentence for the person who wrote the value.
pub fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err("must be longer than zero".to_owned()),
        Ok(duration) => Ok(duration),
        Err(_) => {
            Err("is not a duration; write a number with its unit, as in `5s` or `250ms`".to_owned())
        }
    }
}

/// Reads a duration that may be zero, where that means "never".
///
/// # Errors
/// A sentence for the person who wrote the value.
pub fn duration_or_zero(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration.is_zero() => Ok(duration),
        _ => duration(text),
    }
}

/// Reads a number of things of which at least one is needed.
///
/// # Errors
/// A sentence for the person who wrote the value.
pub fn size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(size) if (1..=1_000_000).contains(&size) => Ok(size),
        _ => Err("must be a whole number from 1 to 1000000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_a_unit_and_are_not_zero() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert!(duration("0s").is_err());
        assert!(duration("5").is_err());
        assert_eq!(duration_or_zero("0s"), Ok(Duration::ZERO));
    }
}
