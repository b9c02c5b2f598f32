//! `pubsub.kafka`: what lies between a group's offsets and the ends of the partitions.

mod batch;
mod client;
mod offsets;
mod requests;
mod sasl;
mod scram;
mod settings;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::ask::Asking;
use crate::clock;
use crate::figures::Figures;
use crate::question::Question;

use client::Cluster;
use settings::Settings;

/// A topic's partitions and something of each.
type Partitions<T> = BTreeMap<i32, T>;

/// Asks for the figures of one topic and group.
///
/// # Errors
/// Why they are not known.
pub(crate) fn ask(asking: &Asking, question: &Question<'_>) -> Result<Figures, String> {
    let metadata = asking.metadata(question);
    let settings = Settings::new(&metadata)?;
    let topic = metadata.topic(&question.triple.topic);
    let dead = question
        .dead_letter_topic
        .as_ref()
        .map(|dead| metadata.topic(dead));
    let mut cluster = Cluster::connect(&settings, asking.timeout())?;
    let mut figures = backlog(&mut cluster, &topic, &settings.group)?;
    // Only shown: without them the other figures are still good.
    figures.dead_letters = dead.and_then(|dead| length(&mut cluster, &dead).ok());
    Ok(figures)
}

/// The dead letters' topic, where it is not there and nobody makes it by publishing.
///
/// # Errors
/// Why that is not known.
pub(crate) fn lacks_dead_letters(
    asking: &Asking,
    question: &Question<'_>,
) -> Result<Option<String>, String> {
    let metadata = asking.metadata(question);
    let Some(topic) = &question.dead_letter_topic else {
        return Ok(None);
    };
    let topic = metadata.topic(topic);
    let settings = Settings::new(&metadata)?;
    let mut cluster = Cluster::connect(&settings, asking.timeout())?;
    cluster.look_up(&topic)?;
    if !cluster.led(&topic).is_empty() || cluster.makes_topics()? {
        return Ok(None);
    }
    Ok(Some(topic))
}

fn length(cluster: &mut Cluster, topic: &str) -> Result<u64, String> {
    cluster.look_up(topic)?;
    let (first, last) = (cluster.earliest(topic)?, cluster.latest(topic)?);
    let kept = |(partition, last): (&i32, &i64)| distance(first.get(partition).copied(), *last);
    Ok(last.iter().map(kept).sum())
}

fn backlog(cluster: &mut Cluster, topic: &str, group: &str) -> Result<Figures, String> {
    cluster.look_up(topic)?;
    let latest = cluster.latest(topic)?;
    let earliest = cluster.earliest(topic)?;
    let partitions: Vec<i32> = latest.keys().copied().collect();
    let committed = if partitions.is_empty() {
        Partitions::new()
    } else {
        cluster.committed(topic, group, &partitions)?
    };
    let mut backlog = 0;
    let mut waiting = Partitions::new();
    for (partition, end) in &latest {
        let start = next(
            committed.get(partition).copied(),
            earliest.get(partition).copied(),
        );
        let distance = distance(Some(start), *end);
        if distance > 0 {
            waiting.insert(*partition, start);
            backlog += distance;
        }
    }
    // The age is only shown: without it the figures are still good.
    let oldest = cluster.first_timestamp(topic, &waiting).unwrap_or(None);
    Ok(Figures {
        backlog: Some(backlog),
        pending: Some(0),
        oldest: oldest.map(|ms| Duration::from_millis(clock::wall_ms().saturating_sub(ms))),
        ..Figures::default()
    })
}

/// What the group gets next: what it has committed, unless that is gone already; without that the chart lets it begin at the
/// beginning.
fn next(committed: Option<i64>, earliest: Option<i64>) -> i64 {
    let earliest = earliest.unwrap_or(0);
    match committed {
        Some(offset) if offset >= 0 => offset.max(earliest),
        _ => earliest,
    }
}

fn distance(start: Option<i64>, end: i64) -> u64 {
    u64::try_from(end - start.unwrap_or(0)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_without_an_offset_has_everything_before_it() {
        assert_eq!(next(None, Some(4)), 4);
        assert_eq!(next(Some(-1), Some(4)), 4);
        assert_eq!(next(Some(9), Some(4)), 9);
        assert_eq!(next(Some(2), Some(4)), 4);
        assert_eq!(distance(Some(4), 9), 5);
        assert_eq!(distance(Some(9), 4), 0);
    }
}
