//! The event that the worker receives.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The data of a `task.created` event: `{"event_type": "task.created", "task_id": "<uuid>", "title": "..."}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskCreated {
    /// What kind of event it is.
    pub event_type: String,
    /// The task.
    pub task_id: Uuid,
    /// What is to be done.
    pub title: String,
}

impl TaskCreated {
    const EVENT_TYPE: &'static str = "task.created";

    /// Says what is wrong with an event that has the right shape and still makes no sense; delivering it again cannot help.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.event_type != Self::EVENT_TYPE {
            return Some(format!(
                "event_type is `{}`, not `{}`",
                self.event_type,
                Self::EVENT_TYPE
            ));
        }
        self.title
            .trim()
            .is_empty()
            .then(|| "title is empty".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dapr_pubsub::Envelope;

    fn task(event_type: &str, title: &str) -> TaskCreated {
        TaskCreated {
            event_type: event_type.to_owned(),
            task_id: Uuid::nil(),
            title: title.to_owned(),
        }
    }

    /// Events as versions before have published them (docs/EVENTS.md): they may still be in a broker, or among the dead letters.
    #[test]
    fn the_events_of_earlier_versions_are_understood() {
        for published in [
            include_str!("../../task-api/tests/events/0.1.json"),
            include_str!("../../task-api/tests/events/0.2.json"),
        ] {
            let event = Envelope::parse(published.as_bytes()).unwrap();
            let event = event.decode::<TaskCreated>().unwrap();
            assert_eq!(event.data.problem(), None, "{published}");
            assert_eq!(event.source, "task-api");
        }
    }

    #[test]
    fn a_task_needs_its_type_and_a_title() {
        assert_eq!(task("task.created", "Learn").problem(), None);
        assert_eq!(
            task("task.created", " ").problem().unwrap(),
            "title is empty"
        );
        assert!(
            task("task.deleted", "Learn")
                .problem()
                .unwrap()
                .contains("task.deleted")
        );
    }
}
