//! The worker as its sidecar sees it, over TCP, with a sidecar of our own making.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod deliveries;
mod process;

use serde_json::{Value, json};

/// Where orders come.
const ROUTE: &str = "/events/order";

/// The data of an order.
fn order(product: &str, quantity: u32) -> Value {
    json!({
        "event_type": "order.created", "order_id": "01a20972-4ef4-71f4-9487-6b7ea9dfb0eb", "product": product, "quantity": quantity
    })
}
