//! `pubsub.rabbitmq`: a queue per consumer and topic, asked through the management API.

mod management;
mod settings;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;

use crate::ask::Asking;
use crate::clock;
use crate::figures::Figures;
use crate::question::Question;

use management::Management;
use settings::Settings;

/// The API counts every 5 s, so what it says is as old as that: only what has been so for longer is so.
pub(crate) const STALE: Duration = Duration::from_secs(6);

/// What the API says of a queue. A field is missing until the queue has first been counted.
#[derive(Debug, Default, Deserialize)]
struct Queue {
    messages_ready: Option<u64>,
    messages_unacknowledged: Option<u64>,
    head_message_timestamp: Option<u64>,
}

/// What is bound to an exchange.
#[derive(Debug, Deserialize)]
struct Binding {
    destination: String,
    destination_type: String,
}

/// Asks for the figures of one queue.
///
/// # Errors
/// Why they are not known.
pub(crate) fn ask(asking: &Asking, question: &Question<'_>) -> Result<Figures, String> {
    let metadata = asking.metadata(question);
    let settings = Settings::new(&metadata)?;
    let component = question.component.name();
    let urls = &asking.args.rabbitmq_management;
    let own = urls
        .iter()
        .find(|url| url.component.as_deref() == Some(component));
    let given = own.or_else(|| urls.iter().find(|url| url.component.is_none()));
    let management = Management::new(
        &settings,
        given.map(|url| url.url.as_str()),
        asking.timeout(),
    )?;

    let topic = metadata.topic(&question.triple.topic);
    let queue = question
        .queue
        .clone()
        .unwrap_or_else(|| format!("{}-{topic}", settings.consumer));
    let mut figures = match management.queue::<Queue>(&queue)? {
        None => {
            management.has_vhost()?;
            Figures {
                backlog: Some(0),
                pending: Some(0),
                ..Figures::default()
            }
        }
        Some(found) => of_queue(&queue, &found)?,
    };
    let dead = question
        .dead_letter_topic
        .as_ref()
        .map(|dead| metadata.topic(dead));
    // Only shown: without them the other figures are still good.
    figures.dead_letters = dead_letters(&management, &queue, dead.as_deref()).unwrap_or(None);
    Ok(figures)
}

fn of_queue(name: &str, queue: &Queue) -> Result<Figures, String> {
    let (Some(backlog), Some(pending)) = (queue.messages_ready, queue.messages_unacknowledged)
    else {
        return Err(format!("the queue {name} has not been counted yet"));
    };
    let head = queue.head_message_timestamp.map(Duration::from_secs);
    let now = Duration::from_millis(clock::wall_ms());
    Ok(Figures {
        backlog: Some(backlog),
        pending: Some(pending),
        oldest: head.map(|head| now.saturating_sub(head)),
        ..Figures::default()
    })
}

/// What lies in the queue that daprd makes for the queue's dead letters, and in those that are bound to the dead-letter topic.
fn dead_letters(
    management: &Management,
    queue: &str,
    topic: Option<&str>,
) -> Result<Option<u64>, String> {
    let mut queues = BTreeSet::from([format!("dlq-{queue}")]);
    if let Some(topic) = topic {
        let bindings: Vec<Binding> = management.bindings(topic)?;
        let bound = bindings
            .into_iter()
            .filter(|binding| binding.destination_type == "queue");
        queues.extend(bound.map(|binding| binding.destination));
    }
    let mut sum = None;
    for queue in queues {
        if let Some(found) = management.queue::<Queue>(&queue)? {
            let inside =
                found.messages_ready.unwrap_or(0) + found.messages_unacknowledged.unwrap_or(0);
            sum = Some(sum.unwrap_or(0) + inside);
        }
    }
    Ok(sum.or(topic.map(|_| 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_has_not_been_counted_is_unknown() {
        assert!(
            of_queue("q", &Queue::default())
                .unwrap_err()
                .contains("not been counted")
        );
        let counted = Queue {
            messages_ready: Some(3),
            messages_unacknowledged: Some(1),
            head_message_timestamp: None,
        };
        assert_eq!(of_queue("q", &counted).unwrap().waiting(), 4);
    }
}
