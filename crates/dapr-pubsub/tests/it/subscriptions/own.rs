//! What one subscription has and the others have not.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use dapr_pubsub::testing::Delivery;
use dapr_pubsub::{CloudEvent, Outcome, Subscription, Subscriptions};
use http::StatusCode;
use serde_json::json;

use super::obey;

const OWN: &str = "/events/own";
const OTHER: &str = "/events/other";

fn router(own: Subscription) -> Router {
    crate::tracing_setup::install();
    Subscriptions::new()
        .handler_timeout(Duration::from_secs(3))
        .on(own, obey)
        .on(Subscription::new("other", OTHER), obey)
        .into_router()
}

/// The answers of both, by either protocol.
async fn answers(router: &Router, title: &str) -> [Outcome; 2] {
    let mut answers = Vec::new();
    for route in [OWN, OTHER] {
        let delivery = Delivery::json(route, &json!({"title": title}));
        let answer = delivery.by_http(router).await;
        assert_eq!(delivery.by_grpc(router).await, answer, "{route} {title}");
        answers.push(answer);
    }
    answers.try_into().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_subscription_may_have_more_time() {
    let own = Subscription::new("own", OWN).handler_timeout(Duration::from_mins(1));
    let router = router(own);
    let started = tokio::time::Instant::now();
    for (route, seconds) in [(OTHER, 3), (OWN, 63)] {
        let delivery = Delivery::json(route, &json!({"title": "sleep"}));
        assert_eq!(delivery.by_grpc(&router).await, Outcome::Retry);
        assert_eq!(started.elapsed().as_secs(), seconds);
    }
}

#[tokio::test]
async fn a_subscription_may_take_less_and_keep_what_it_cannot_read() {
    let own = Subscription::new("own", OWN).body_limit(1000);
    let router = router(own.undecodable(Outcome::Retry));
    let (small, large) = ("x", "x".repeat(1000));
    assert_eq!(answers(&router, small).await, [Outcome::Success; 2]);
    assert_eq!(
        answers(&router, &large).await,
        [Outcome::Retry, Outcome::Success]
    );
    for unreadable in [
        Delivery::json(OWN, &7),
        Delivery::json(OWN, &7).attribute("id", ""),
    ] {
        assert_eq!(unreadable.by_http(&router).await, Outcome::Retry);
        assert_eq!(unreadable.by_grpc(&router).await, Outcome::Retry);
    }
    assert_eq!(
        Delivery::json(OTHER, &7).by_grpc(&router).await,
        Outcome::Drop
    );
}

#[tokio::test]
async fn a_layer_is_around_the_handler_whichever_way_an_event_comes() {
    async fn guard(request: Request, next: Next) -> Response {
        assert_eq!(request.uri().path(), OWN);
        match request.headers().get("region") {
            Some(region) if region == "eu" => next.run(request).await,
            _ => StatusCode::FORBIDDEN.into_response(),
        }
    }
    async fn called(request: Request, next: Next) -> Response {
        assert!(
            request.headers().contains_key("region"),
            "the last layer is the outermost"
        );
        next.run(request).await
    }
    let own = Subscription::new("own", OWN)
        .layer(from_fn(called))
        .layer(from_fn(guard));
    let router = router(own);
    let refused = [Outcome::Retry, Outcome::Drop];
    assert_eq!(answers(&router, "drop").await, refused);
    for title in ["drop", "x", "retry", "panic", "drop"] {
        let delivery = Delivery::json(OWN, &json!({"title": title})).header("region", "eu");
        let expected = match title {
            "drop" => Outcome::Drop,
            "x" => Outcome::Success,
            _ => Outcome::Retry,
        };
        assert_eq!(delivery.by_http(&router).await, expected, "{title}");
        assert_eq!(delivery.by_grpc(&router).await, expected, "{title}");
    }
}

#[tokio::test]
async fn an_event_goes_where_its_rule_says() {
    async fn special(_: CloudEvent<serde::de::IgnoredAny>) -> Outcome {
        Outcome::Drop
    }
    let all = Subscription::new("own", OWN);
    let router = Subscriptions::new()
        .on(all.when("event.data.special", "/events/special"), special)
        .on(all, obey)
        .into_router();
    let delivery = |route| Delivery::json(route, &json!({"title": "x"})).attribute("topic", "own");
    assert_eq!(delivery(OWN).by_grpc(&router).await, Outcome::Success);
    let special = delivery("/events/special");
    assert_eq!(special.by_grpc(&router).await, Outcome::Drop);
    assert_eq!(special.by_http(&router).await, Outcome::Drop);
    // Without a route, it is not known which.
    assert_eq!(delivery("").by_grpc(&router).await, Outcome::Retry);
}
