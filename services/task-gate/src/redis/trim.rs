//! Removes what every group of a stream has acknowledged.

use super::client::Client;
use super::groups::{Group, Id};
use crate::metadata::Metadata;

/// So many entries go in one command at most, so that the server answers others in between.
const STEP: &str = "100000";

/// What became of a stream.
#[derive(Debug)]
pub(crate) struct Trimmed {
    pub(crate) entries: u64,
    /// What was removed, or would be in a rehearsal; of a rehearsal only whether it is anything.
    pub(crate) removed: u64,
    /// The smallest id that somebody still needs. `None`: nobody has read, so nothing may go.
    pub(crate) needed: Option<String>,
    /// Why nothing may go.
    pub(crate) kept: Option<String>,
    /// Groups that no Subscription has, with their positions.
    pub(crate) strangers: Vec<(String, String)>,
}

/// Trims `stream` to what its groups still need. `readers` are those of the Subscriptions: one that has no group yet has still
/// to get everything.
///
/// # Errors
/// Why the stream could not be asked or trimmed.
pub(crate) fn trim(
    metadata: &Metadata,
    stream: &str,
    readers: &[String],
    rehearsal: bool,
    timeout: std::time::Duration,
) -> Result<Trimmed, String> {
    let mut client = Client::connect(metadata, timeout)?;
    let entries = client.length(stream)?;
    let groups = client.groups(stream)?;
    let mut needs = Vec::with_capacity(groups.len());
    for group in &groups {
        needs.push(client.needs(stream, group)?);
    }
    let mut trimmed = Trimmed {
        entries,
        removed: 0,
        needed: None,
        kept: None,
        strangers: strangers(&groups, &needs, readers),
    };
    let absent = readers
        .iter()
        .find(|reader| groups.iter().all(|group| group.name != **reader));
    trimmed.kept = match (absent, needs.iter().min()) {
        _ if entries == 0 => Some("it is empty".to_owned()),
        (_, None) => Some("nobody has read it yet".to_owned()),
        (Some(reader), _) => Some(format!("{reader} has not read it yet")),
        (None, Some(needed)) => {
            trimmed.needed = Some(needed.to_string());
            trimmed.removed = if rehearsal {
                client.before(stream, *needed)?
            } else {
                client.cut(stream, *needed)?
            };
            None
        }
    };
    Ok(trimmed)
}

fn strangers(groups: &[Group], needs: &[Id], readers: &[String]) -> Vec<(String, String)> {
    groups
        .iter()
        .zip(needs)
        .filter(|(group, _)| !readers.contains(&group.name))
        .map(|(group, needs)| (group.name.clone(), needs.to_string()))
        .collect()
}

impl Client {
    /// The smallest id that a group still needs. What it has in hand is asked for after its position: what it takes in between
    /// lies behind that position.
    fn needs(&mut self, stream: &str, group: &Group) -> Result<Id, String> {
        let next = group.delivered.next();
        let pending = match group.pending {
            0 => None,
            _ => self.first_pending(stream, &group.name)?,
        };
        Ok(pending.map_or(next, |pending| pending.min(next)))
    }

    /// Removes the entries before `needed`: whole blocks first, in steps, then exactly.
    fn cut(&mut self, stream: &str, needed: Id) -> Result<u64, String> {
        let needed = needed.to_string();
        let mut removed = 0;
        loop {
            let step = self.removed(&["XTRIM", stream, "MINID", "~", &needed, "LIMIT", STEP])?;
            removed += step;
            if step == 0 {
                break;
            }
        }
        Ok(removed + self.removed(&["XTRIM", stream, "MINID", "=", &needed])?)
    }

    fn removed(&mut self, words: &[&str]) -> Result<u64, String> {
        let reply = self.call(words)?;
        Ok(reply.and_then(|reply| reply.number()).unwrap_or(0))
    }

    /// Counts the entries before `needed`, up to a bound.
    fn before(&mut self, stream: &str, needed: Id) -> Result<u64, String> {
        let (mut after, mut counted) = (Id::ZERO, 0);
        while counted < super::COUNTED {
            let ids = self.after(stream, after, super::BATCH)?;
            let inside = ids.iter().filter(|id| **id < needed).count() as u64;
            counted += inside;
            match ids.last() {
                Some(last) if inside == super::BATCH => after = *last,
                _ => break,
            }
        }
        Ok(counted)
    }
}
