//! The other side of a proof, as an entry of a release's `services`: it hears tasks, by a rule and without one, and announces an order for
//! each; and it hears orders.

use anyhow::anyhow;
use axum::extract::State;
use dapr_pubsub::{CloudEvent, Inbox, Subscriptions};
use order_worker::{Effect as _, LogOrder, OrderCreated};
use serde::Serialize;
use service_kit::effect::EffectError;
use service_kit::publishing::{Announcement, Announcer};
use service_kit::relaying;
use service_kit::service::Listeners;
use service_kit::shutdown::Shutdown;
use task_worker::TaskCreated;
use utoipa::ToSchema;
use uuid::Uuid;

/// Titles of tasks that come by the rule end with it.
const URGENT: char = '7';

service_kit::service_config! {
    /// Announces an order for each task, and hears orders.
    publishing [Order]
    subscribing ["task" at "/events/todo", "order" at "/events/order"]
    { listen_addr: "127.0.0.1:8010", consumer: "task-load" }
}

/// Its product is the task's id.
#[derive(Serialize, ToSchema)]
#[schema(value_type = Object)]
struct Order(OrderCreated);

impl Announcement for Order {
    const TOPIC: &'static str = "order";
    const NOUN: &'static str = "order";
    const EVENT_TYPE: &'static str = "order.created";

    fn id(&self) -> Uuid {
        self.0.order_id
    }
}

async fn on_task<const BY_RULE: bool>(
    State(announcer): State<Announcer>,
    event: CloudEvent<TaskCreated>,
) -> Result<(), EffectError> {
    if event.data.title.ends_with(URGENT) != BY_RULE {
        let wrong = anyhow!("`{}` came by the other's route", event.data.title);
        return Err(EffectError::Permanent(wrong));
    }
    let order = OrderCreated {
        event_type: Order::EVENT_TYPE.to_owned(),
        order_id: Order::id_after(&event),
        product: event.data.task_id.to_string(),
        quantity: 1,
    };
    announcer.announce_after(&Order(order)).await?;
    Ok(())
}

async fn on_order(event: CloudEvent<OrderCreated>) -> Result<(), EffectError> {
    LogOrder.apply(&event).await
}

/// Serves until the shutdown has run its course.
///
/// # Errors
/// The sidecar's address cannot be used.
pub async fn run(config: Config, listeners: Listeners, shutdown: Shutdown) -> anyhow::Result<()> {
    let declare = |subscriptions: Subscriptions<Announcer>, inbox: Option<Inbox>| {
        let (tasks, orders) = (config.subscription("task"), config.subscription("order"));
        let rule = format!("event.data.title.endsWith('{URGENT}')");
        let urgent = tasks.when(rule, "/events/urgent");
        subscriptions
            .on_once(urgent, inbox.clone(), on_task::<true>)
            .on_once(tasks, inbox.clone(), on_task::<false>)
            .on_once(orders, inbox, on_order)
    };
    let (service, publish) = (&config.service, &config.publish);
    let (subscribe, topics) = (&config.subscribe, &config.topics);
    relaying::serve(
        service, publish, subscribe, topics, declare, listeners, shutdown,
    )
    .await
}
