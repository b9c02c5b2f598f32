//! The tutorial's exercise beside the tutorial: orders, their topic and their subscriber.

use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::{MARK, until};
use local_stack::{Stack, StackOptions, load};
use serde_json::{Value, json};

/// The publisher's place among the apps beside the tutorial's.
const API: usize = 1;
pub(crate) const WORKER: &str = "order-worker";

/// The stack with both services of orders, by the chart's own example.
pub(crate) fn beside(options: StackOptions) -> Result<StackOptions> {
    let values = include_str!("../../../charts/task-pubsub/ci/orders.yaml");
    let mut options = options.with(&serde_norway::from_str(values)?);
    options.beside = vec![WORKER, "order-api"];
    Ok(options)
}

/// Where the API is.
pub(crate) fn api(stack: &Stack) -> Result<String> {
    Ok(stack.beside[API].service()?.url())
}

/// What a client sends.
pub(crate) fn order() -> Value {
    json!({"product": "Dapr in Action", "quantity": 1})
}

/// Places one, and waits for what its subscriber makes of it. The answer, and what the subscriber says.
pub(crate) async fn place(stack: &Stack, deadline: Duration) -> Result<(String, String)> {
    let (url, body) = (format!("{}/orders", api(stack)?), order().to_string());
    let answer = load::post_json(stack.http(), &url, body, &[]).await?;
    let text = format!("{} {}", answer.status.as_u16(), answer.text());
    let id = load::task(&answer).context("an order")?;
    let mut said = None;
    until("the order's effect", deadline, async || {
        said = stack.line_of(WORKER, id).ok();
        Ok(said.is_none().then(|| format!("no line for {id}")))
    })
    .await?;
    let line = said.context("no line")?;
    let (_, data) = line.split_once(MARK).unwrap_or_default();
    Ok((text, format!("{MARK}{data}")))
}
