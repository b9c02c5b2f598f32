//! The event that the API announces.

use serde::Serialize;
use uuid::Uuid;

/// `task.created`, the data of the CloudEvent: `{"event_type": "task.created", "task_id": "<uuid>", "title": "..."}`.
#[derive(Debug, Serialize)]
pub struct TaskCreated<'a> {
    event_type: &'static str,
    task_id: Uuid,
    title: &'a str,
}

impl<'a> TaskCreated<'a> {
    /// What kind of event it is.
    pub const EVENT_TYPE: &'static str = "task.created";

    /// Announces a task.
    pub fn new(task_id: Uuid, title: &'a str) -> Self {
        Self {
            event_type: Self::EVENT_TYPE,
            task_id,
            title,
        }
    }

    /// The CloudEvent's id: the same for the same task, so that however often a publish is tried or a client asks again,
    /// subscribers can tell that it is one event.
    pub fn event_id(&self) -> Uuid {
        Uuid::new_v5(&self.task_id, Self::EVENT_TYPE.as_bytes())
    }
}
