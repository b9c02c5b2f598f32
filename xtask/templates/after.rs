//! The event `__key__.created`, which follows from one that was heard.

use dapr_pubsub::CloudEvent;
use serde::Serialize;
use service_kit::publishing::Announcement;
use utoipa::ToSchema;
use uuid::Uuid;

/// `__key__.created`: `{"event_type": "__key__.created", "__module___id": "<uuid>", "title": "..."}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct __Topic__Created {
    /// What kind of event it is.
    event_type: &'static str,
    /// What was created.
    __module___id: Uuid,
    /// Its title.
    title: String,
}

impl __Topic__Created {
    /// What follows from an event: the part to replace.
    pub(crate) fn after<T>(cause: &CloudEvent<T>) -> Self {
        Self {
            event_type: Self::EVENT_TYPE,
            __module___id: Self::id_after(cause),
            title: format!("because of {} of {}", cause.id, cause.source),
        }
    }
}

impl Announcement for __Topic__Created {
    const TOPIC: &'static str = "__key__";
    const NOUN: &'static str = "__key__";
    const EVENT_TYPE: &'static str = "__key__.created";

    fn id(&self) -> Uuid {
        self.__module___id
    }
}
