//! What streams and groups say of themselves.

use std::fmt;
use std::str::FromStr;

use super::client::Client;
use super::resp::Reply;

/// An entry's id: when it came, and which of that millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(super) ms: u64,
    sequence: u64,
}

/// A group's position.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    /// The last entry that was handed out.
    pub(super) delivered: Id,
    /// Handed out, not acknowledged.
    pub(super) pending: u64,
    /// Not handed out, if Redis knows: since 7.0, and not after every deletion.
    pub(super) lag: Option<u64>,
}

impl Id {
    pub(super) const ZERO: Self = Self { ms: 0, sequence: 0 };

    /// The smallest id after this one.
    pub(super) const fn next(self) -> Self {
        match self.sequence.checked_add(1) {
            Some(sequence) => Self {
                ms: self.ms,
                sequence,
            },
            None => Self {
                ms: self.ms.saturating_add(1),
                sequence: 0,
            },
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.sequence)
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text
            .split_once('-')
            .and_then(|(ms, sequence)| Some((ms.parse().ok()?, sequence.parse().ok()?)));
        match parsed {
            Some((ms, sequence)) => Ok(Self { ms, sequence }),
            None => Err(format!("Redis says `{text}` where an id belongs")),
        }
    }
}

impl Client {
    /// The groups of a stream; none of one that is not there.
    pub(super) fn groups(&mut self, stream: &str) -> Result<Vec<Group>, String> {
        let reply = self.call(&["XINFO", "GROUPS", stream])?;
        reply.iter().flat_map(Reply::array).map(group).collect()
    }

    /// How many entries a stream has.
    pub(super) fn length(&mut self, stream: &str) -> Result<u64, String> {
        let reply = self.call(&["XLEN", stream])?;
        Ok(reply.and_then(|reply| reply.number()).unwrap_or(0))
    }

    /// The first entry after `id`.
    pub(super) fn first_after(&mut self, stream: &str, id: Id) -> Result<Option<Id>, String> {
        Ok(self.after(stream, id, 1)?.first().copied())
    }

    /// The ids of the entries after `id`, at most `count`.
    pub(super) fn after(&mut self, stream: &str, id: Id, count: u64) -> Result<Vec<Id>, String> {
        let (from, count) = (id.next().to_string(), count.to_string());
        ids(self.call(&["XRANGE", stream, &from, "+", "COUNT", &count])?)
    }

    /// The oldest entry that a group has in hand.
    pub(super) fn first_pending(
        &mut self,
        stream: &str,
        group: &str,
    ) -> Result<Option<Id>, String> {
        let reply = self.call(&["XPENDING", stream, group, "-", "+", "1"])?;
        Ok(ids(reply)?.first().copied())
    }

    /// The server's clock.
    pub(super) fn now_ms(&mut self) -> Result<u64, String> {
        let reply = self.call(&["TIME"])?.unwrap_or(Reply::Nil);
        match reply.array() {
            [seconds, micros] => {
                let (seconds, micros) = (seconds.number(), micros.number());
                Ok(seconds.unwrap_or(0) * 1000 + micros.unwrap_or(0) / 1000)
            }
            _ => Err("Redis does not say what time it is".to_owned()),
        }
    }
}

/// Entries and pending entries both begin with their id.
fn ids(reply: Option<Reply>) -> Result<Vec<Id>, String> {
    let entries = reply.unwrap_or(Reply::Nil);
    entries
        .array()
        .iter()
        .filter_map(|entry| entry.array().first()?.text())
        .map(str::parse)
        .collect()
}

fn group(reply: &Reply) -> Result<Group, String> {
    let text = |key| reply.field(key).and_then(Reply::text).unwrap_or_default();
    Ok(Group {
        name: text("name").to_owned(),
        delivered: text("last-delivered-id").parse()?,
        pending: reply
            .field("pending")
            .and_then(Reply::number)
            .ok_or("Redis does not say how much is pending")?,
        lag: reply.field("lag").and_then(Reply::number),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered_by_time_and_sequence() {
        let id = |text: &str| text.parse::<Id>().unwrap();
        assert!(id("9-1") < id("10-0"));
        assert!(id("9-9") < id("9-10"));
        assert_eq!(id("9-9").next().to_string(), "9-10");
        assert_eq!(id(&format!("9-{}", u64::MAX)).next().to_string(), "10-0");
        assert!("9".parse::<Id>().is_err());
    }
}
