//! What a subscription has of its own, where the others have what is set for all.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, Route};
use tower::{Layer, Service};

use super::Subscription;
use crate::{Outcome, clock};

/// As [`Subscription`]'s setters say.
#[derive(Clone, Debug)]
pub(super) struct Own {
    pub(super) handler_timeout: Option<Duration>,
    pub(super) body_limit: Option<usize>,
    pub(super) undecodable: Outcome,
    pub(super) layering: Option<Layering>,
}

impl Default for Own {
    fn default() -> Self {
        Self {
            handler_timeout: None,
            body_limit: None,
            undecodable: Outcome::Drop,
            layering: None,
        }
    }
}

/// Puts layers around a service.
#[derive(Clone)]
pub(super) struct Layering(Arc<dyn Fn(MethodRouter) -> MethodRouter + Send + Sync>);

impl Layering {
    pub(super) fn around(&self, service: MethodRouter) -> MethodRouter {
        (self.0)(service)
    }
}

impl fmt::Debug for Layering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Layering(..)")
    }
}

/// What this application does with the events; the sidecar is told nothing of it.
impl Subscription {
    /// In place of [`Subscriptions::handler_timeout`](super::Subscriptions::handler_timeout).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use dapr_pubsub::{Outcome, Subscription};
    ///
    /// let reports = Subscription::new("report-events", "/events/report")
    ///     .handler_timeout(Duration::from_secs(30))
    ///     .body_limit(64 * 1024)
    ///     .undecodable(Outcome::Retry);
    /// ```
    #[must_use]
    pub fn handler_timeout(mut self, timeout: Duration) -> Self {
        self.own.handler_timeout = Some(clock::bounded(timeout));
        self
    }

    /// In place of [`Subscriptions::body_limit`](super::Subscriptions::body_limit), for single events. By gRPC a larger one is read before
    /// it is found too large, if it is within what another subscription may have.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.own.body_limit = Some(bytes);
        self
    }

    /// What becomes of an event that cannot be decoded: no event, data that is not what the handler takes, or too large. Default: DROP,
    /// to the dead letters.
    ///
    /// RETRY keeps it in the broker, and on brokers that keep an order what is behind it as well, until a version of this application
    /// is deployed that can read it. [`max_attempts`](super::Subscriptions::max_attempts) counts it like any failure where it is an event,
    /// with an id; an inbox does not. SUCCESS is for a topic with other events beside those that are meant: they are gone.
    #[must_use]
    pub fn undecodable(mut self, outcome: Outcome) -> Self {
        self.own.undecodable = outcome;
        self
    }

    /// A layer around the handler, such as axum's `middleware::from_fn` or `Extension`, whichever protocol an event comes by; of several
    /// the last one is the outermost. It sees the request as extractors do: method, route, headers (metadata), extensions, and no body.
    ///
    /// What the handler has answered stands. A layer that answers without it has refused: RETRY, as for an extractor. It runs within the
    /// handler's timeout, for each event of a bulk delivery, before an [inbox](super::Subscriptions::on_once) is asked, and not for what
    /// cannot be decoded or is a canary.
    ///
    /// ```
    /// use axum::Extension;
    /// use dapr_pubsub::{CloudEvent, Subscription, Subscriptions};
    ///
    /// #[derive(Clone)]
    /// struct Region(&'static str);
    ///
    /// async fn todo(Extension(region): Extension<Region>, event: CloudEvent<String>) {
    ///     println!("{} in {}", event.data, region.0);
    /// }
    ///
    /// let router: axum::Router = Subscriptions::new()
    ///     .on(Subscription::new("eu", "/events/eu").layer(Extension(Region("eu"))), todo)
    ///     .on(Subscription::new("us", "/events/us").layer(Extension(Region("us"))), todo)
    ///     .into_router();
    /// ```
    #[must_use]
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        let inner = self.own.layering.take();
        self.own.layering = Some(Layering(Arc::new(move |service| {
            let service = match &inner {
                Some(inner) => inner.around(service),
                None => service,
            };
            service.layer(layer.clone())
        })));
        self
    }
}
