//! Everything around the deliveries.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use dapr_pubsub::{Mode, Secret, Subscription, Subscriptions};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::{delivery, envelope, obedient, obey, outcome, send, subscription};

async fn get_json(router: &Router, path: &str) -> Value {
    let (status, body) = send(router, Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn dapr_is_told_only_in_programmatic_mode() {
    let declared = || {
        let subscription = subscription()
            .pubsubs(["one", "two"])
            .dead_letter_topic("task-events-dead-letter");
        Subscriptions::<()>::new().on(subscription, obey)
    };
    let entry = |pubsub: &str| {
        json!({
            "pubsubname": pubsub, "topic": "task-events", "routes": {"default": "/events/todo"},
            "deadLetterTopic": "task-events-dead-letter"
        })
    };
    let router = declared().mode(Mode::Programmatic).into_router();
    assert_eq!(
        get_json(&router, "/dapr/subscribe").await,
        json!([entry("one"), entry("two")])
    );
    let router = declared().mode(Mode::Declarative).into_router();
    assert_eq!(get_json(&router, "/dapr/subscribe").await, json!([]));
}

#[tokio::test]
async fn an_unknown_delivery_is_not_dropped_and_other_questions_get_a_no() {
    let router = obedient().into_router();
    let status = async |request| send(&router, request).await.0;
    let empty = Body::empty;
    assert_eq!(
        status(Request::post("/events/tod").body(empty()).unwrap()).await,
        500
    );
    assert_eq!(status(Request::post("/").body(empty()).unwrap()).await, 500);
    assert_eq!(
        status(Request::get("/dapr/config").body(empty()).unwrap()).await,
        404
    );
    assert_eq!(
        status(Request::options("/events/tod").body(empty()).unwrap()).await,
        404
    );
    // Neither of these is a 404, which would drop an event.
    assert_eq!(
        status(Request::post("/dapr/subscribe").body(empty()).unwrap()).await,
        405
    );
    assert_eq!(
        status(Request::get("/events/todo").body(empty()).unwrap()).await,
        405
    );
}

#[tokio::test]
async fn routes_live_beside_those_of_the_service() {
    let router: Router = Router::new()
        .route("/healthz", get(async || "ok"))
        .merge(obedient().into_router());
    assert_eq!(
        outcome(&router, envelope("fine").to_string()).await,
        "SUCCESS"
    );
    let health = Request::get("/healthz").body(Body::empty()).unwrap();
    assert_eq!(
        send(&router, health).await,
        (StatusCode::OK, b"ok".to_vec())
    );
    let unknown = Request::post("/elsewhere").body(Body::empty()).unwrap();
    assert_eq!(send(&router, unknown).await.0, 500);
}

#[tokio::test]
async fn below_a_prefix_what_is_unknown_is_no_typo_of_a_client() {
    let router: Router = Router::new()
        .route("/tasks", get(async || "ok"))
        .fallback(async || StatusCode::IM_A_TEAPOT)
        .merge(obedient().routes("/events/"));
    let fine = envelope("fine").to_string();
    assert_eq!(outcome(&router, fine).await, "SUCCESS");
    for (path, status) in [
        ("/events/tod", 500),
        ("/events/todo/x", 500),
        ("/events/", 500),
        ("/events", 418),
        ("/task", 418),
    ] {
        let request = Request::post(path).body(Body::empty()).unwrap();
        assert_eq!(send(&router, request).await.0, status, "{path}");
    }
}

#[test]
#[should_panic(expected = "the route /events/todo is not below /event/")]
fn a_route_beside_the_prefix_is_refused() {
    let _ = obedient().routes("/event");
}

#[tokio::test]
async fn without_the_token_nothing_is_handled() {
    let token: Secret = "s3cret".parse().unwrap();
    let next: Secret = "n3xt".parse().unwrap();
    let router = obedient().app_tokens([token, next]).into_router();
    // Reaching the handler would be a DROP.
    let request = |token: Option<&str>| {
        let mut request = delivery(envelope("drop").to_string());
        if let Some(token) = token {
            request
                .headers_mut()
                .insert("dapr-api-token", token.parse().unwrap());
        }
        request
    };
    for wrong in [
        None,
        Some("wrong"),
        Some(""),
        Some("s3cre"),
        Some("s3cret2"),
    ] {
        let (status, body) = send(&router, request(wrong)).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["status"], 401);
    }
    for right in ["s3cret", "n3xt"] {
        let (status, body) = send(&router, request(Some(right))).await;
        let dropped = br#"{"status":"DROP"}"#.to_vec();
        assert_eq!((status, body), (StatusCode::OK, dropped));
    }
    // daprd may read the list before it has any reason to prove itself.
    assert_eq!(get_json(&router, "/dapr/subscribe").await, json!([]));
}

#[test]
fn the_token_is_not_in_debug_output() {
    let subscriptions = obedient().app_token(Some("s3cret".parse().unwrap()));
    let debug = format!("{subscriptions:?}");
    assert!(
        debug.contains("task-events") && !debug.contains("s3cret"),
        "{debug}"
    );
}

#[test]
#[should_panic(expected = "two subscriptions use the route /events/todo")]
fn two_subscriptions_cannot_share_a_route() {
    let _ = obedient().on(Subscription::new("other", "/events/todo"), obey);
}

#[test]
#[should_panic(expected = "names no pub/sub component")]
fn programmatic_mode_needs_components() {
    let _ = obedient().mode(Mode::Programmatic).into_router();
}
