//! What is stored about an event.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(super) enum Record {
    /// Somebody is at work. The owner is a random id of the claim, not of the process.
    Claimed { owner: String },
    /// The effect has happened.
    Done,
}

#[cfg(test)]
mod tests {
    use super::Record;

    #[test]
    fn records_look_as_documented() {
        let json = |record: Record| serde_json::to_string(&record).unwrap();
        let owner = "6c1b".to_owned();
        assert_eq!(
            json(Record::Claimed { owner }),
            r#"{"state":"claimed","owner":"6c1b"}"#
        );
        assert_eq!(json(Record::Done), r#"{"state":"done"}"#);
    }
}
