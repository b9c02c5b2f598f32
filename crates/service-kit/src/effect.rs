//! What a subscriber does with an event: why it was not done, and how it is shown.

use std::borrow::Cow;

use dapr_pubsub::Outcome;

/// Why the work was not done.
#[derive(Debug, thiserror::Error)]
pub enum EffectError {
    /// It may work later: a network fault, a lock, a service that restarts. The event is delivered again.
    #[error("transient failure: {0:#}")]
    Transient(anyhow::Error),
    /// It will never work for this event, which goes to the dead letters.
    #[error("permanent failure: {0:#}")]
    Permanent(anyhow::Error),
}

impl From<EffectError> for Outcome {
    fn from(error: EffectError) -> Self {
        match error {
            EffectError::Transient(_) => Self::Retry,
            EffectError::Permanent(_) => Self::Drop,
        }
    }
}

/// Bytes of an event that a log line shows: all of it, for events of ordinary size.
const SHOWN: usize = 16 * 1024;

/// An event's data, as a log line shows it.
pub fn shown(data: &str) -> Cow<'_, str> {
    if data.len() <= SHOWN {
        return Cow::Borrowed(data);
    }
    let beginning = &data[..data.floor_char_boundary(SHOWN)];
    Cow::Owned(format!("{beginning}... ({} bytes in all)", data.len()))
}

#[cfg(test)]
mod tests {
    use super::{SHOWN, shown};

    #[test]
    fn a_line_is_whole_until_it_is_too_long() {
        let fits = "x".repeat(SHOWN);
        assert_eq!(shown(&fits), fits);
        let long = "é".repeat(SHOWN);
        assert!(
            shown(&long).len() < SHOWN + 50 && shown(&long).ends_with("... (32768 bytes in all)")
        );
    }
}
