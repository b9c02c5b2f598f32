//! Waits until everything is drained, and stays so.

use std::time::{Duration, Instant};

use crate::ask::Row;
use crate::clock;
use crate::figures::State;
use crate::progress::Progress;
use crate::text::{age, count, plural};

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// It must stay drained.
    pub(crate) stable: Duration,
    /// It may take to become so.
    pub(crate) wait: Duration,
}

/// Asks until all rows have been drained for `stable`, or one is not when `wait` is over.
///
/// # Errors
/// The rows as they were last.
pub(crate) fn settle(
    mut ask: impl FnMut() -> Vec<Row>,
    patience: Patience,
    progress: &mut Progress,
) -> Result<Vec<Row>, Vec<Row>> {
    let started = Instant::now();
    let mut drained: Option<Instant> = None;
    loop {
        let asked = Instant::now();
        let rows = ask();
        if rows.iter().all(|row| row.state == State::Drained) {
            let since = *drained.get_or_insert(asked);
            if since.elapsed() >= patience.stable {
                return Ok(rows);
            }
            progress.report(|| {
                format!(
                    "drained for {} of {}",
                    age(since.elapsed()),
                    age(patience.stable)
                )
            });
            clock::pause(INTERVAL.min(patience.stable.saturating_sub(since.elapsed())));
        } else {
            drained = None;
            if started.elapsed() >= patience.wait {
                return Err(rows);
            }
            progress.report(|| format!("waiting: {}", summary(&rows)));
            clock::pause(INTERVAL.min(patience.wait.saturating_sub(started.elapsed())));
        }
    }
}

/// What stands in the way, in few words: `1,204 events of task-events wait for task-worker, the oldest for 41 s`.
pub(crate) fn summary(rows: &[Row]) -> String {
    let open: Vec<&Row> = rows
        .iter()
        .filter(|row| row.state != State::Drained)
        .collect();
    let waiting = open.iter().filter(|row| row.state == State::Waiting);
    let Some(worst) = waiting
        .max_by_key(|row| row.figures.waiting())
        .or(open.first())
    else {
        return "nothing waits".to_owned();
    };
    let rest = match open.len() {
        0 | 1 => String::new(),
        more => format!(
            "; so it is with {}",
            plural(more as u64 - 1, "other consumer")
        ),
    };
    format!("{}{rest}", sentence(worst))
}

fn sentence(row: &Row) -> String {
    let (figures, topic) = (&row.figures, &row.topic);
    let consumer = if row.consumer.is_empty() {
        "its consumers"
    } else {
        &row.consumer
    };
    if row.state == State::Unknown {
        let reason = figures
            .reason
            .as_deref()
            .unwrap_or("the figures are not complete");
        return format!("it is not known what of {topic} waits for {consumer}: {reason}");
    }
    let many = figures.waiting();
    let (verb, more) = (
        if many == 1 { "waits" } else { "wait" },
        if figures.backlog_at_least {
            "more than "
        } else {
            ""
        },
    );
    let oldest = match figures.oldest {
        Some(oldest) if many == 1 => format!(", for {}", age(oldest)),
        Some(oldest) => format!(", the oldest for {}", age(oldest)),
        None => String::new(),
    };
    let in_hand = match figures.pending {
        Some(pending) if pending > 0 && pending < many => {
            format!(" ({} of them in hand)", count(pending))
        }
        _ => String::new(),
    };
    format!(
        "{more}{} of {topic} {verb} for {consumer}{in_hand}{oldest}",
        plural(many, "event")
    )
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::figures::Figures;

    pub(crate) fn row(consumer: &str, figures: Figures) -> Row {
        Row {
            component: "pubsub-redis".to_owned(),
            topic: "task-events".to_owned(),
            consumer: consumer.to_owned(),
            state: figures.state(),
            figures,
        }
    }

    pub(crate) fn waiting(backlog: u64, pending: u64, oldest: Option<u64>) -> Row {
        row(
            "task-worker",
            Figures {
                backlog: Some(backlog),
                pending: Some(pending),
                oldest: oldest.map(Duration::from_secs),
                ..Figures::default()
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{row, waiting};
    use super::*;
    use crate::figures::Figures;

    const AT_ONCE: Patience = Patience {
        stable: Duration::ZERO,
        wait: Duration::ZERO,
    };

    #[test]
    fn what_waits_is_said_in_a_sentence() {
        assert_eq!(
            summary(&[waiting(1_204, 0, Some(41))]),
            "1,204 events of task-events wait for task-worker, the oldest for 41 s"
        );
        assert_eq!(
            summary(&[waiting(0, 1, Some(5))]),
            "1 event of task-events waits for task-worker, for 5 s"
        );
        assert_eq!(
            summary(&[
                waiting(3, 2, None),
                row("audit", Figures::unknown("redis:6379 refuses\nconnections"))
            ]),
            "5 events of task-events wait for task-worker (2 of them in hand); so it is with 1 other consumer"
        );
        assert_eq!(
            summary(&[row(
                "audit",
                Figures::unknown("redis:6379 refuses\nconnections")
            )]),
            "it is not known what of task-events waits for audit: redis:6379 refuses connections"
        );
    }

    #[test]
    fn drained_must_last() {
        let mut answers = vec![
            waiting(0, 0, None),
            waiting(1, 0, None),
            waiting(0, 0, None),
        ];
        let result = settle(
            || vec![answers.pop().unwrap()],
            Patience {
                stable: Duration::from_mins(1),
                ..AT_ONCE
            },
            &mut Progress::quiet(),
        );
        assert_eq!(result.unwrap_err()[0].figures.backlog, Some(1));
        assert!(
            settle(
                || vec![waiting(0, 0, None)],
                AT_ONCE,
                &mut Progress::quiet()
            )
            .is_ok()
        );
        assert!(
            settle(
                || vec![waiting(0, 1, None)],
                AT_ONCE,
                &mut Progress::quiet()
            )
            .is_err()
        );
    }
}
