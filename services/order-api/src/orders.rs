//! `POST /orders`, and the event that it announces.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use service_kit::fields;
use service_kit::json::Json;
use service_kit::problem::Problem;
use service_kit::publishing::{Announcement, Announcer, IdempotencyKey, KeyOf, Refusals};
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;
use uuid::Uuid;

/// The body of `POST /orders`. Other members are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CreateOrder {
    #[schema(required, schema_with = product)]
    product: Option<String>,
    /// How many: at least one.
    #[schema(required, nullable = false, minimum = 1, maximum = 4_294_967_295u32, format = Int64, example = 3)]
    quantity: Option<u32>,
}

fn product() -> Object {
    let description =
        "What is ordered: 1 to 1000 characters, not only blanks and control characters.";
    fields::text_schema(description, "espresso cup")
}

/// The order that was created and announced.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedOrder {
    /// The order's id, also the event's `order_id`.
    id: Uuid,
    /// The product as it was sent.
    product: String,
    /// The quantity as it was sent.
    quantity: u32,
    /// `published`: the broker has acknowledged the event.
    #[schema(example = "published")]
    event: &'static str,
}

/// `order.created`: `{"event_type": "order.created", "order_id": "<uuid>", "product": "...", "quantity": N}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderCreated<'a> {
    /// What kind of event it is.
    event_type: &'static str,
    /// The order.
    order_id: Uuid,
    /// What is ordered.
    product: &'a str,
    /// How many.
    #[schema(minimum = 1, maximum = 4_294_967_295u32, format = Int64)]
    quantity: u32,
}

impl Announcement for OrderCreated<'_> {
    const TOPIC: &'static str = "order";
    const NOUN: &'static str = "order";
    const EVENT_TYPE: &'static str = "order.created";

    fn id(&self) -> Uuid {
        self.order_id
    }
}

/// Creates an order and announces it.
///
/// The answer comes when the broker has acknowledged the event `order.created`. After any other answer, or none, the same
/// request may be sent again; with the same `Idempotency-Key` and body it is the same order, and subscribers act on it once.
#[utoipa::path(
    post,
    path = "/orders",
    params(KeyOf<OrderCreated<'static>>),
    request_body = CreateOrder,
    responses(
        (status = 200, description = "Created, and the broker has acknowledged the event", body = CreatedOrder),
        Refusals,
    )
)]
pub(crate) async fn create_order(
    State(announcer): State<Announcer>,
    key: IdempotencyKey,
    Json(order): Json<CreateOrder>,
) -> Result<axum::Json<CreatedOrder>, Problem> {
    let product = fields::text("product", order.product)?;
    let quantity = fields::count("quantity", order.quantity)?;
    let body = serde_json::json!({"product": product, "quantity": quantity});
    let created = OrderCreated {
        event_type: OrderCreated::EVENT_TYPE,
        order_id: key.id(&body.to_string()),
        product: &product,
        quantity,
    };
    let event_id = announcer.announce(&created).await?;
    let id = created.order_id;
    tracing::debug!(order_id = %id, event_id, "published");
    let event = "published";
    Ok(axum::Json(CreatedOrder {
        id,
        product,
        quantity,
        event,
    }))
}
