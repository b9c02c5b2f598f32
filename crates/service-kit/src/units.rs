//! Durations, sizes and names, as people write them.

use std::time::Duration;

/// Longer than anything here lives. What is not bounded overflows somewhere, in a sum or at a clock.
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

/// Reads `5s`, `250ms`, `2m`, `1h 30m`: a number with its unit, greater than zero, at most ten years.
///
/// # Errors
/// A sentence for the person who wrote the value.
pub fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration.is_zero() => Err("must be longer than zero".to_owned()),
        Ok(duration) if duration <= LONGEST => Ok(duration),
        Ok(_) | Err(humantime::DurationError::NumberOverflow) => {
            Err("must not be longer than ten years".to_owned())
        }
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

/// Reads the name of a component, a topic, an app: one word.
///
/// # Errors
/// A sentence for the person who wrote the value.
pub fn name(text: &str) -> Result<String, &'static str> {
    let blank = |char: char| char.is_whitespace() || char.is_control();
    if text.is_empty() {
        Err("must not be empty")
    } else if text.contains(blank) {
        Err("must not contain blanks or control characters")
    } else {
        Ok(text.to_owned())
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

    #[test]
    fn durations_have_an_end() {
        assert!(duration("3650days").is_ok());
        for long in ["3651days", "10000000000years", "1000000000000years"] {
            let refusal = duration(long).unwrap_err();
            assert_eq!(refusal, "must not be longer than ten years", "{long}");
            assert!(duration_or_zero(long).is_err());
        }
    }

    #[test]
    fn a_name_is_one_word() {
        assert_eq!(name("task-events"), Ok("task-events".to_owned()));
        for text in ["", " ", "a b", " a", "a\n", "a\u{0}"] {
            assert!(name(text).is_err(), "{text:?}");
        }
    }
}
