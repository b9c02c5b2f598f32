//! `pubsub.redis`: a stream per topic, a group per consumer. Commands that an ordinary reader may give; nothing runs on the server.

mod client;
mod groups;
mod resp;
mod settings;
mod trim;

use std::time::Duration;

use crate::ask::Asking;
use crate::figures::Figures;
use crate::question::Question;

use client::Client;
use groups::{Group, Id};

pub(crate) use trim::{Trimmed, trim};

/// Where Redis does not know how much a group has still to get, so many are counted at most.
const COUNTED: u64 = 10_000;
/// Entries in one answer; they carry their payload.
const BATCH: u64 = 500;

/// Asks for the figures of one stream and group.
///
/// # Errors
/// Why they are not known.
pub(crate) fn ask(asking: &Asking, question: &Question<'_>) -> Result<Figures, String> {
    let metadata = asking.metadata(question);
    let group = metadata.consumer()?;
    let stream = metadata.topic(&question.triple.topic);
    let mut client = Client::connect(&metadata, asking.timeout())?;
    let mut figures = match client
        .groups(&stream)?
        .into_iter()
        .find(|one| one.name == group)
    {
        Some(group) => of_group(&mut client, &stream, &group)?,
        None => of_nobody(&mut client, &stream)?,
    };
    // Only shown: without them the other figures are still good.
    let dead = question.dead_letter_topic.as_ref();
    figures.dead_letters = dead.and_then(|dead| client.length(&metadata.topic(dead)).ok());
    Ok(figures)
}

/// A group that is not there yet begins at the stream's beginning, as daprd makes it: everything waits for it.
fn of_nobody(client: &mut Client, stream: &str) -> Result<Figures, String> {
    let backlog = client.length(stream)?;
    let oldest = match client.first_after(stream, Id::ZERO)? {
        Some(id) => Some(age(client, id)?),
        None => None,
    };
    Ok(Figures {
        backlog: Some(backlog),
        pending: Some(0),
        oldest,
        ..Figures::default()
    })
}

fn of_group(client: &mut Client, stream: &str, group: &Group) -> Result<Figures, String> {
    // Whether anything is left is read from the stream itself: what Redis counts is wrong after some deletions.
    let next = client.first_after(stream, group.delivered)?;
    let (backlog, at_least) = match (next, group.lag) {
        (None, _) => (0, false),
        (Some(_), Some(lag)) if lag > 0 => (lag, false),
        (Some(_), _) => count(client, stream, group.delivered)?,
    };
    let pending = if group.pending > 0 {
        client.first_pending(stream, &group.name)?
    } else {
        None
    };
    let oldest = match next.into_iter().chain(pending).min() {
        Some(id) => Some(age(client, id)?),
        None => None,
    };
    Ok(Figures {
        backlog: Some(backlog),
        backlog_at_least: at_least,
        pending: Some(group.pending),
        oldest,
        ..Figures::default()
    })
}

fn count(client: &mut Client, stream: &str, mut after: Id) -> Result<(u64, bool), String> {
    let mut counted = 0;
    while counted < COUNTED {
        let ids = client.after(stream, after, BATCH)?;
        counted += ids.len() as u64;
        match ids.last() {
            Some(last) if ids.len() as u64 == BATCH => after = *last,
            _ => return Ok((counted, false)),
        }
    }
    Ok((counted, true))
}

/// By the server's own clock, which made the id.
fn age(client: &mut Client, id: Id) -> Result<Duration, String> {
    Ok(Duration::from_millis(
        client.now_ms()?.saturating_sub(id.ms),
    ))
}
