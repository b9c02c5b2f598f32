//! One declaration per topic gives the axum route, the `/dapr/subscribe` entry and, in a test, what
//! a declarative Subscription has to say.

mod activity;
mod attempts;
mod bulk;
mod callback;
mod dead_letters;
mod declaration;
mod delivery;
mod handler;
mod http;
mod in_hand;
mod layered;
mod limits;
mod once;
mod own;
mod respond;
mod router;
mod rules;
mod settings;
mod token;

use std::fmt;
use std::sync::Arc;

use axum::Router;

pub use activity::Activity;
pub use dead_letters::DeadLetters;
pub use declaration::{PubsubOptions, Routes, Rule, SubscribeEntry, Subscription};
use handler::ErasedHandler;
pub use handler::{EventHandler, Handled, HandlerFuture, PreparedHandler};
use limits::Limits;
use once::Once;

use crate::{Inbox, Secret};

/// Who tells daprd what this application subscribes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Subscription objects of the cluster (`dapr.io/v2alpha1`): `/dapr/subscribe` answers `[]`.
    #[default]
    Declarative,
    /// This application: daprd reads `/dapr/subscribe`, once, when it sees the application.
    Programmatic,
}

/// The event routes of a service, as one axum router, for either protocol of `dapr.io/app-protocol`: `http`, to the letter of
/// Dapr's HTTP contract, and `grpc`, Dapr's app callback (`AppCallback`, `AppCallbackAlpha`, `AppCallbackHealthCheck`). The server
/// must speak HTTP/1.1 and HTTP/2 without TLS, as `axum::serve` does with axum's feature `http2`.
///
/// **Prefer gRPC.** By HTTP daprd up to 1.18.3 may take a delivery that no application answered for a success
/// (dapr/dapr `pkg/middleware/http/pipeline.go`).
///
/// | call | answer |
/// |---|---|
/// | `OnTopicEvent`, `OnBulkTopicEvent` | the status of each event |
/// | the same without the right `dapr-api-token`, where a token is set | UNAUTHENTICATED, which daprd retries |
/// | `ListTopicSubscriptions` | the same list as `/dapr/subscribe`; empty in declarative mode |
/// | `HealthCheck` | OK |
/// | `OnInvoke` | `PERMISSION_DENIED`: events come from the broker only |
/// | anything else | `FAILED_PRECONDITION`; never UNIMPLEMENTED, which daprd takes for "handled" |
///
/// | request | answer |
/// |---|---|
/// | `POST` of a declared route | `200 {"status": ...}`, for bulk `200 {"statuses": [...]}` |
/// | the same without the right `dapr-api-token`, where a token is set | 401, which daprd retries |
/// | `GET /dapr/subscribe` | the list of [`SubscribeEntry`]; `[]` in declarative mode |
/// | `POST` of anything else | 500: daprd retries, where a 404 would drop the event |
/// | any other request | 404 |
///
/// What the handler never sees, and what becomes of it:
///
/// | event | answer |
/// |---|---|
/// | unreadable, lacks a required attribute, data of another shape, or larger than the limit | DROP: it goes to the dead-letter topic, and another attempt would not help; or what [`Subscription::undecodable`] says |
/// | an extractor refuses, or a layer | RETRY: it is the service that is wrong, not the event |
/// | the handler panics or takes longer than its timeout | RETRY |
///
/// An event of the type [`CANARY_TYPE`](crate::CANARY_TYPE) never reaches a handler either: it is recorded
/// ([`canary_inbox`](Self::canary_inbox)) and answered with SUCCESS.
///
/// Because of the last two lines of the second table the router has a fallback; merge it into another
/// router that has none of its own. [`routes`](Self::routes) has none, and knows a delivery by its prefix.
#[must_use = "subscriptions do nothing until `into_router`"]
pub struct Subscriptions<S = ()> {
    routes: Vec<Declared<S>>,
    mode: Mode,
    tokens: Vec<Secret>,
    canary_inbox: Option<Inbox>,
    limits: Limits,
    activity: Activity,
    dead_letters: DeadLetters,
}

/// A subscription with its handler, and the inbox around it, where it has one.
struct Declared<S> {
    subscription: Subscription,
    handler: Arc<dyn ErasedHandler<S>>,
    inbox: Option<Inbox>,
}

impl<S: Clone + Send + Sync + 'static> Subscriptions<S> {
    /// No routes, declarative, no token, and the limits of the setters below.
    pub fn new() -> Self {
        Self {
            routes: Vec::new(),
            mode: Mode::default(),
            tokens: Vec::new(),
            canary_inbox: None,
            limits: Limits::default(),
            activity: Activity::default(),
            dead_letters: DeadLetters::default(),
        }
    }

    /// What is delivered and when, for a [`Watchdog`](crate::Watchdog).
    pub fn activity(&self) -> Activity {
        self.activity.clone()
    }

    /// What is dropped and comes again, for readiness.
    pub fn dead_letters(&self) -> DeadLetters {
        self.dead_letters.clone()
    }

    /// The topics that are declared.
    pub fn topics(&self) -> Vec<String> {
        let mut topics: Vec<String> = Vec::new();
        for Declared { subscription, .. } in &self.routes {
            if !topics.iter().any(|topic| topic == subscription.topic()) {
                topics.push(subscription.topic().to_owned());
            }
        }
        topics
    }

    /// Handles the events of `subscription` with `handler`: an async function whose last argument is
    /// a [`CloudEvent<T>`](crate::CloudEvent), after up to six extractors of the request's parts.
    ///
    /// # Panics
    /// When two subscriptions have the same route: a start-up error of the program, not of its
    /// configuration, like two equal routes in axum.
    pub fn on<H, M>(self, subscription: Subscription, handler: H) -> Self
    where
        H: EventHandler<M, S>,
        M: 'static,
    {
        self.declare(subscription, None, handler::erase(handler))
    }

    /// The same for a handler whose effect should happen once, however often and at however many replicas the event is delivered:
    /// `inbox` remembers what was handled, and counts the attempts of what was not. It also records the canaries of this subscription.
    ///
    /// | the handler | the record | answer |
    /// |---|---|---|
    /// | answers SUCCESS | done: the event never comes to a handler again | SUCCESS, or RETRY where that could not be written |
    /// | answers RETRY | one more failure, with the error's text as its reason | RETRY, or DROP when the [attempts](crate::InboxOptions::max_attempts) are used up |
    /// | answers DROP | none, so that it can be handled when somebody sends it again out of the dead letters | DROP |
    /// | panics, or takes too long | one more failure when its claim ends | RETRY |
    /// | is not called: the event was handled before | as it was | SUCCESS |
    /// | is not called: another replica has the event, or that cannot be known | as it was | RETRY |
    /// | is not called: the data is not what it takes | none | DROP |
    /// | is not called: an extractor refuses | none | RETRY |
    ///
    /// A process that is killed between the effect and the record leaves an effect that nobody knows of, and the event comes again: an
    /// effect that can be asked whether it has happened, by the event's id, should be asked first.
    ///
    /// Without an inbox (`None`, where a deployment has no state store) this is [`on`](Self::on): at least once.
    ///
    /// ```no_run
    /// use dapr_pubsub::{CloudEvent, Inbox, InboxOptions, Outcome, Sidecar, Subscription, Subscriptions};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct OrderCreated {
    ///     quantity: u32,
    /// }
    ///
    /// /// Another attempt may work.
    /// struct NoStock;
    /// # impl std::fmt::Display for NoStock {
    /// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("no stock") }
    /// # }
    /// impl From<NoStock> for Outcome {
    ///     fn from(_: NoStock) -> Self {
    ///         Self::Retry
    ///     }
    /// }
    ///
    /// # async fn reserve(_: u32) -> Result<(), NoStock> { Ok(()) }
    /// async fn on_order(event: CloudEvent<OrderCreated>) -> Result<Outcome, NoStock> {
    ///     if event.data.quantity == 0 {
    ///         return Ok(Outcome::Drop); // no attempt will help
    ///     }
    ///     reserve(event.data.quantity).await?;
    ///     Ok(Outcome::Success)
    /// }
    ///
    /// # fn example(sidecar: &Sidecar) {
    /// let inbox = Inbox::new(sidecar, InboxOptions::new("statestore", "order-worker"));
    /// let router: axum::Router = Subscriptions::new()
    ///     .on_once(Subscription::new("order-events", "/events/order"), inbox, on_order)
    ///     .into_router();
    /// # }
    /// ```
    ///
    /// # Panics
    /// As [`on`](Self::on).
    pub fn on_once<H, M>(
        self,
        subscription: Subscription,
        inbox: impl Into<Option<Inbox>>,
        handler: H,
    ) -> Self
    where
        H: EventHandler<M, S>,
        M: 'static,
    {
        let handler = handler::erase(handler);
        let Some(inbox) = inbox.into() else {
            return self.declare(subscription, None, handler);
        };
        let once = Arc::new(Once {
            handler,
            inbox: inbox.clone(),
        });
        self.declare(subscription, Some(inbox), once)
    }

    fn declare(
        mut self,
        subscription: Subscription,
        inbox: Option<Inbox>,
        handler: Arc<dyn ErasedHandler<S>>,
    ) -> Self {
        let route = subscription.route();
        let mut taken = self.routes.iter().map(|it| it.subscription.route());
        assert!(
            !taken.any(|taken| taken == route),
            "two subscriptions use the route {route}"
        );
        self.routes.push(Declared {
            subscription,
            handler,
            inbox,
        });
        self
    }

    /// What `/dapr/subscribe` lists in programmatic mode, whatever the mode is. A test can hold it
    /// against the Subscription objects that are deployed.
    ///
    /// # Panics
    /// When two subscriptions to one topic of a component have no [condition](Subscription::when), or differ in what daprd has to know.
    pub fn entries(&self) -> Vec<SubscribeEntry> {
        rules::entries(self.routes.iter().map(|it| &it.subscription))
    }

    /// The routes alone, for a router that has routes and a fallback of its own, and clients. Below `prefix`, where all subscriptions
    /// have their routes, a `POST` of anything else is answered 500; everywhere else a client's typo is the 404 that it should be.
    ///
    /// ```
    /// use axum::{Router, http::StatusCode, routing::get};
    /// use dapr_pubsub::{CloudEvent, Subscription, Subscriptions};
    ///
    /// async fn todo(_: CloudEvent<String>) {}
    ///
    /// let events = Subscriptions::new()
    ///     .on(Subscription::new("task-events", "/events/todo"), todo)
    ///     .routes("/events");
    /// let router: Router = Router::new()
    ///     .route("/tasks", get(async || "none"))
    ///     .fallback(async || (StatusCode::NOT_FOUND, "no such page"))
    ///     .merge(events);
    /// ```
    ///
    /// # Panics
    /// When `prefix` is not a literal path, or a subscription's route is not below it. As [`into_router`](Self::into_router).
    pub fn routes(self, prefix: &str) -> Router<S> {
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        assert!(
            prefix.len() > 1
                && prefix.starts_with('/')
                && !prefix.contains(['{', '}', '*', '?', '#']),
            "`{prefix}` is not a literal path"
        );
        for Declared { subscription, .. } in &self.routes {
            let route = subscription.route();
            let below = route.strip_prefix(prefix);
            assert!(
                below.is_some_and(|it| it.len() > 1 && it.starts_with('/')),
                "the route {route} is not below {prefix}/"
            );
        }
        router::guard(router::build(self), prefix)
    }

    /// A router of its own: [`routes`](Self::routes), and a fallback that answers what is no route as the table says.
    ///
    /// # Panics
    /// When there is an inbox and a subscription with `rawPayload`, of which no redelivery could be recognised.
    ///
    /// In programmatic mode, when a subscription names no pub/sub component: daprd would be told
    /// nothing, and the service would wait for events that never come.
    pub fn into_router(self) -> Router<S> {
        router::build(self).fallback(router::unknown)
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Subscriptions<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for Subscriptions<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes: Vec<_> = self.routes.iter().map(|it| &it.subscription).collect();
        f.debug_struct("Subscriptions")
            .field("routes", &routes)
            .field("mode", &self.mode)
            .field("tokens", &self.tokens)
            .field("canary_inbox", &self.canary_inbox)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
