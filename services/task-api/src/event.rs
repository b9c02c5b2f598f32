//! The event that the API announces.

use serde::Serialize;
use service_kit::publishing::Announcement;
use utoipa::ToSchema;
use uuid::Uuid;

/// `task.created`, the data of the CloudEvent: `{"event_type": "task.created", "task_id": "<uuid>", "title": "..."}`.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskCreated<'a> {
    /// What kind of event it is.
    event_type: &'static str,
    /// The task.
    task_id: Uuid,
    /// What is to be done.
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
    const TOPIC: &'static str = "task";
    const NOUN: &'static str = "task";
    const EVENT_TYPE: &'static str = "task.created";

    fn id(&self) -> Uuid {
        self.task_id
    }
}
