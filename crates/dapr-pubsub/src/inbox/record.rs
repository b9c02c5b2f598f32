//! What is stored about an event.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(super) enum Record {
    /// Somebody is at work. The owner is a random id of the claim, not of the process.
    Claimed {
        owner: String,
        /// Attempts that failed before.
        #[serde(default, skip_serializing_if = "is_zero")]
        failures: u32,
        /// How long the claim lasts unless it is renewed, in milliseconds: others may have another lease.
        #[serde(default)]
        lease: u64,
    },
    /// Nobody is, and as many attempts have failed.
    Failed {
        failures: u32,
        /// What was said about the last one.
        reason: String,
        /// When that was, in milliseconds since 1970.
        at: u64,
        /// The subscriber has been told to drop it. If it comes again all the same, out of the dead letters for instance, it has
        /// one more attempt.
        #[serde(default)]
        dropped: bool,
    },
    /// The effect has happened. There is one of these for each event of the time that is remembered, so it is [`DONE`] and no more.
    Done,
}

/// A record that says *done*, as it is stored.
const DONE: &[u8] = b"1";

/// Of a claim: 96 random bits in 16 characters. With them a claim has 60 bytes. Redis keeps a hash in its compact form while no value in it
/// is longer than 64 (`hash-max-listpack-value`), and one that has left this form never comes back to it: a record that began with a longer
/// claim takes 312 bytes for as long as it is kept, where 136 will do.
pub(super) fn new_owner() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 12]>())
}

impl Record {
    pub(super) fn bytes(&self) -> serde_json::Result<Vec<u8>> {
        match self {
            Self::Done => Ok(DONE.to_vec()),
            record => serde_json::to_vec(record),
        }
    }

    pub(super) fn parse(bytes: &[u8]) -> serde_json::Result<Self> {
        if bytes == DONE {
            return Ok(Self::Done);
        }
        serde_json::from_slice(bytes)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature.
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::{Record, new_owner};

    /// `hash-max-listpack-value` of Redis, by default.
    const COMPACT: usize = 64;

    #[test]
    fn redis_keeps_claims_in_its_compact_form() {
        let claim = Record::Claimed {
            owner: new_owner(),
            failures: 0,
            lease: 3_600_000,
        };
        let stored = claim.bytes().unwrap();
        assert!(stored.len() <= COMPACT, "{} bytes", stored.len());
        assert_ne!(new_owner(), new_owner());
    }

    #[test]
    fn records_look_as_documented() {
        let stored = |record: &Record| String::from_utf8(record.bytes().unwrap()).unwrap();
        let claimed = |failures| Record::Claimed {
            owner: "6c1b".to_owned(),
            failures,
            lease: 10_000,
        };
        let failed = Record::Failed {
            failures: 3,
            reason: "no answer".to_owned(),
            at: 1_700_000_000_000,
            dropped: false,
        };
        let as_documented = [
            (
                claimed(0),
                r#"{"state":"claimed","owner":"6c1b","lease":10000}"#,
            ),
            (
                claimed(2),
                r#"{"state":"claimed","owner":"6c1b","failures":2,"lease":10000}"#,
            ),
            (
                failed,
                r#"{"state":"failed","failures":3,"reason":"no answer","at":1700000000000,"dropped":false}"#,
            ),
            (Record::Done, "1"),
        ];
        for (record, text) in as_documented {
            assert_eq!(stored(&record), text);
            assert_eq!(Record::parse(text.as_bytes()).unwrap(), record);
        }
    }
}
