//! A service that acts on events and announces others because of them.
//!
//! An event is done when what follows from it has been acknowledged; until then it comes again, and what follows has the same id
//! ([`Announcement::id_after`](crate::publishing::Announcement::id_after)).

use dapr_pubsub::{Inbox, Subscriptions};

use crate::publishing::{Announcer, PublishArgs, Publishers};
use crate::readiness::Readiness;
use crate::service::{Listeners, ServiceArgs};
use crate::shutdown::Shutdown;
use crate::subscribing::{Parts, SubscribeArgs};
use crate::topics::{Declares, Topics};

/// Serves until the shutdown has run its course, as [`subscribing::serve`](crate::subscribing::serve); handlers get an [`Announcer`] as their
/// axum state.
///
/// # Errors
/// The sidecar's address cannot be used.
pub async fn serve<D: Declares>(
    service: &ServiceArgs,
    publish: &PublishArgs,
    subscribe: &SubscribeArgs,
    topics: &Topics<D>,
    declare: impl FnOnce(Subscriptions<Announcer>, Option<Inbox>) -> Subscriptions<Announcer>,
    listeners: Listeners,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let sidecar = service.sidecar.client()?;
    let readiness = Readiness::default();
    let publishers = Publishers::new(&sidecar, publish, topics, &readiness);
    let announcer = publishers.announcer();
    let parts = Parts {
        service,
        subscribe,
        sidecar: &sidecar,
        readiness,
        publishers: Some(publishers),
    };
    parts.serve(announcer, declare, listeners, shutdown).await
}
