//! What a broker says of one topic and one consumer.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// The figures; `None` is unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Figures {
    /// Not delivered yet.
    pub(crate) backlog: Option<u64>,
    /// There is more than `backlog`: counting ended at its bound.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) backlog_at_least: bool,
    /// Delivered, not acknowledged.
    pub(crate) pending: Option<u64>,
    /// The age of the oldest event that waits.
    #[serde(rename = "oldestSeconds", serialize_with = "seconds")]
    pub(crate) oldest: Option<Duration>,
    /// In the dead-letter topic.
    pub(crate) dead_letters: Option<u64>,
    /// Why the figures are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// What the figures come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Drained,
    Waiting,
    Unknown,
}

impl State {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Drained => "drained",
            Self::Waiting => "waiting",
            Self::Unknown => "unknown",
        }
    }
}

impl Figures {
    pub(crate) fn unknown(reason: impl Into<String>) -> Self {
        Self {
            reason: Some(crate::text::one_line(&reason.into())),
            ..Self::default()
        }
    }

    /// Everything that waits, as far as it is known.
    pub(crate) fn waiting(&self) -> u64 {
        self.backlog.unwrap_or(0) + self.pending.unwrap_or(0)
    }

    /// Unknown is not drained.
    pub(crate) fn state(&self) -> State {
        match (self.backlog, self.pending, &self.reason) {
            (Some(0), Some(0), None) => State::Drained,
            _ if self.waiting() > 0 => State::Waiting,
            _ => State::Unknown,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::ref_option, reason = "serde's signature")]
fn seconds<S: Serializer>(age: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    age.map(|age| age.as_secs()).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_is_not_drained() {
        let known = |backlog, pending| Figures {
            backlog,
            pending,
            ..Figures::default()
        };
        assert_eq!(known(Some(0), Some(0)).state(), State::Drained);
        assert_eq!(known(Some(0), Some(1)).state(), State::Waiting);
        assert_eq!(known(Some(0), None).state(), State::Unknown);
        assert_eq!(known(Some(3), None).state(), State::Waiting);
        assert_eq!(Figures::unknown("away").state(), State::Unknown);
    }
}
