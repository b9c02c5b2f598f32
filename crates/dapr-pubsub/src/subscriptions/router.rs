//! Routes, and the answers to what is none of them.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{any, get, post};
use bytes::Bytes;
use http::{Method, StatusCode};

use super::attempts::Attempts;
use super::callback::{self, Callback};
use super::delivery::Route;
use super::in_hand::InHand;
use super::layered::Layered;
use super::respond::{json, problem};
use super::{Declared, Mode, Subscriptions};
use crate::telemetry::DeliveryMetrics;
use crate::text::shown;

pub(super) fn build<S: Clone + Send + Sync + 'static>(all: Subscriptions<S>) -> Router<S> {
    let list = subscribe_list(&all);
    let metrics = DeliveryMetrics::new(&all.activity);
    let in_hand = InHand::new(all.limits.in_hand);
    let attempts = all
        .limits
        .attempts
        .map(|most| Arc::new(Attempts::new(most)));
    let entries = match all.mode {
        Mode::Declarative => Vec::new(),
        Mode::Programmatic => all.entries(),
    };
    let tokens: Arc<[_]> = all.tokens.into();
    let mut widest = all.limits;
    let mut by_path = HashMap::new();
    let mut router = Router::new().route(
        "/dapr/subscribe",
        get(async move || json(StatusCode::OK, list.clone())),
    );
    for Declared {
        subscription,
        handler,
        inbox,
    } in all.routes
    {
        // Where an inbox counts the attempts, nobody else does.
        let attempts = attempts.clone().filter(|_| inbox.is_none());
        let canary_inbox = inbox.or_else(|| all.canary_inbox.clone());
        assert!(
            canary_inbox.is_none() || !subscription.is_raw(),
            "the subscription to `{}` has rawPayload: daprd gives every redelivery a new id, so the inbox would recognise none and \
             an event could have several effects",
            subscription.topic()
        );
        let path = subscription.route().to_owned();
        let limits = all.limits.of(&subscription.own);
        widest = widest.widened(&limits);
        let handler = match &subscription.own.layering {
            Some(layering) => Arc::new(Layered::new(handler, layering)),
            None => handler,
        };
        let route = Arc::new(Route {
            subscription,
            handler,
            tokens: Arc::clone(&tokens),
            canary_inbox,
            limits,
            attempts,
            in_hand: in_hand.clone(),
            activity: all.activity.clone(),
            dead_letters: all.dead_letters.clone(),
            metrics: metrics.clone(),
        });
        by_path.insert(path.clone(), Arc::clone(&route));
        let deliver = post(move |State(state): State<S>, request: Request| {
            let route = Arc::clone(&route);
            async move { route.deliver(state, request).await }
        });
        router = router.route(&path, deliver);
    }
    let callback = Arc::new(Callback {
        routes: by_path,
        entries,
        tokens,
        limits: widest,
        in_hand,
    });
    for service in callback::SERVICES {
        let callback = Arc::clone(&callback);
        let call = post(move |State(state): State<S>, request: Request| {
            let callback = Arc::clone(&callback);
            async move { callback.answer(state, request).await }
        });
        router = router.route(service, call);
    }
    router
}

fn subscribe_list<S: Clone + Send + Sync + 'static>(all: &Subscriptions<S>) -> Bytes {
    if all.mode == Mode::Declarative {
        return Bytes::from_static(b"[]");
    }
    for Declared { subscription, .. } in &all.routes {
        assert!(
            !subscription.entries().is_empty(),
            "programmatic mode, but the subscription to `{}` names no pub/sub component",
            subscription.topic()
        );
    }
    // Strings and numbers only: there is nothing in it that JSON cannot write.
    serde_json::to_vec(&all.entries()).map_or_else(|_| Bytes::from_static(b"[]"), Bytes::from)
}

/// Whatever is below `prefix` and no route.
pub(super) fn guard<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    prefix: &str,
) -> Router<S> {
    router
        .route(&format!("{prefix}/"), any(unknown))
        .route(&format!("{prefix}/{{*rest}}"), any(unknown))
}

/// A 404 to a POST would make daprd drop the event. Everything else is asked for by name
/// (`GET /dapr/config`), and "there is none" is the right answer.
pub(super) async fn unknown(request: Request) -> Response {
    if callback::is_grpc(request.headers()) {
        return callback::unknown();
    }
    if request.method() == Method::POST {
        tracing::error!(
            path = shown(request.uri().path()),
            "a delivery for a route that no subscription declares: answered 500, so that it is retried"
        );
        return problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "no subscription declares this route",
        );
    }
    problem(StatusCode::NOT_FOUND, "there is nothing here")
}
