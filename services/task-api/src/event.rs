//! The event that the API announces.

use serde::Serialize;
use service_kit::publishing::Announcement;
use uuid::Uuid;

/// `task.created`, the data of the CloudEvent: `{"event_type": "task.created", "task_id": "<uuid>", "title": "..."}`.
#[derive(Debug, Serialize)]
pub struct TaskCreated<'a> {
    event_type: &'static str,
    task_id: Uuid,
    title: &'a str,
}

impl<'a> TaskCreated<'a> {
    /// Announces a task.
    pub fn new(task_id: Uuid, title: &'a str) -> Self {
        Self {
            event_type: Self::EVENT_TYPE,
            task_id,
            title,
        }
    }
}

impl Announcement for TaskCreated<'_> {
    const NOUN: &'static str = "task";
    const EVENT_TYPE: &'static str = "task.created";

    fn id(&self) -> Uuid {
        self.task_id
    }
}
