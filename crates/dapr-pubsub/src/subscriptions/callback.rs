//! Deliveries by gRPC: Dapr's app callback, on the same port and to the same handlers
//! (dapr/dapr `dapr/proto/runtime/v1/appcallback.proto`, `pkg/runtime/subscription/postman/grpc/grpc.go`).
//!
//! Every answer to an event is a status in a `TopicEventResponse`, or an error that daprd retries. UNIMPLEMENTED is the one that it
//! takes for "handled" without a dead letter, so nothing here says it, and what tonic says by itself is translated.

mod bulk;
mod message;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use dapr::dapr::proto::common::v1::{InvokeRequest, InvokeResponse};
use dapr::dapr::proto::runtime::v1::app_callback_alpha_server::{
    AppCallbackAlpha, AppCallbackAlphaServer,
};
use dapr::dapr::proto::runtime::v1::app_callback_health_check_server::{
    AppCallbackHealthCheck, AppCallbackHealthCheckServer,
};
use dapr::dapr::proto::runtime::v1::app_callback_server::{AppCallback, AppCallbackServer};
use dapr::dapr::proto::runtime::v1::topic_event_response::TopicEventResponseStatus;
use dapr::dapr::proto::runtime::v1::{
    BindingEventRequest, BindingEventResponse, HealthCheckResponse, JobEventRequest,
    JobEventResponse, ListInputBindingsResponse, ListTopicSubscriptionsResponse,
    TopicEventBulkRequest, TopicEventBulkResponse, TopicEventRequest, TopicEventResponse,
    TopicRoutes, TopicRule, TopicSubscription,
};
use http::{HeaderMap, HeaderValue, Method, Version, header};
use tokio::time::{Instant, timeout_at};
use tonic::codegen::Service as _;
use tonic::{Code, Status};

use super::delivery::Route;
use super::in_hand::InHand;
use super::limits::Limits;
use super::{SubscribeEntry, token};
use crate::text::shown;
use crate::{DecodeError, Envelope, Outcome, Secret};
use message::{Message, TooLarge};

/// The paths of the three services.
pub(super) const SERVICES: [&str; 3] = [
    "/dapr.proto.runtime.v1.AppCallback/{method}",
    "/dapr.proto.runtime.v1.AppCallbackAlpha/{method}",
    "/dapr.proto.runtime.v1.AppCallbackHealthCheck/{method}",
];

const GRPC_STATUS: &str = "grpc-status";

/// For the answer of a handler that was interrupted at the deadline.
const GRACE: Duration = Duration::from_millis(100);

/// What every call needs.
pub(super) struct Callback<S> {
    pub(super) routes: HashMap<String, Arc<Route<S>>>,
    /// What is told to daprd: nothing in declarative mode, in which it asks all the same.
    pub(super) entries: Vec<SubscribeEntry>,
    pub(super) tokens: Arc<[Secret]>,
    /// The widest of any route: which one it is shows only when a message has been read.
    pub(super) limits: Limits,
    pub(super) in_hand: InHand,
}

/// One call, with the state that the router was given.
struct Call<S> {
    callback: Arc<Callback<S>>,
    state: S,
    started: Instant,
    /// Bytes of the message.
    length: usize,
}

impl<S: Clone + Send + Sync + 'static> Callback<S> {
    /// What becomes of an event of which nobody has read where it belongs: what all routes say, and where they do not agree it is kept.
    fn unread(&self) -> Outcome {
        let mut outcomes = self
            .routes
            .values()
            .map(|it| it.subscription.own.undecodable);
        let first = outcomes.next().unwrap_or(Outcome::Drop);
        if outcomes.all(|it| it == first) {
            first
        } else {
            Outcome::Retry
        }
    }

    /// Answers any call, known or not.
    pub(super) async fn answer(self: Arc<Self>, state: S, request: Request) -> Response {
        let started = Instant::now();
        let deadline = started + self.limits.handler;
        let path = request.uri().path().to_owned();
        let bulk = path.ends_with("OnBulkTopicEvent") || path.ends_with("OnBulkTopicEventAlpha1");
        let limit = self.limits.message(bulk);
        let message = message::admit(request, limit, &self.in_hand, deadline).await;
        let (request, length, _room) = match message {
            Message::Admitted(request, length, room) => (request, length, Some(room)),
            Message::TooLarge(request) => (request, 0, None),
            Message::Late => return late(),
        };
        let call = Call {
            callback: Arc::clone(&self),
            state,
            started,
            length,
        };
        // The handler keeps the deadline itself; beyond it goes only a message that does not arrive.
        match timeout_at(deadline + GRACE, call.dispatch(&path, limit, request)).await {
            Ok(answer) => answer,
            Err(_) => late(),
        }
    }
}

impl<S: Clone + Send + Sync + 'static> Call<S> {
    async fn dispatch(self, path: &str, limit: usize, request: Request) -> Response {
        let service = path.split('/').nth(1).unwrap_or_default();
        let answer = match service.rsplit('.').next() {
            Some("AppCallbackAlpha") => {
                AppCallbackAlphaServer::new(self)
                    .max_decoding_message_size(limit)
                    .call(request)
                    .await
            }
            Some("AppCallbackHealthCheck") => {
                AppCallbackHealthCheckServer::new(self).call(request).await
            }
            _ => {
                AppCallbackServer::new(self)
                    .max_decoding_message_size(limit)
                    .call(request)
                    .await
            }
        };
        match answer {
            Ok(answer) => implemented(answer.map(axum::body::Body::new)),
            Err(never) => match never {},
        }
    }
}

/// The answer to a call of something that is not there.
pub(super) fn unknown() -> Response {
    refusal(&Status::failed_precondition(
        "this application has no such method",
    ))
}

pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

fn refusal(status: &Status) -> Response {
    status.clone().into_http()
}

fn late() -> Response {
    refusal(&Status::unavailable(
        "the message found no room, or did not arrive, in time",
    ))
}

/// No answer of tonic's own may say UNIMPLEMENTED either: for a method that it does not know, or a compressed message.
fn implemented(mut answer: Response) -> Response {
    let unimplemented = HeaderValue::from(Code::Unimplemented as i32);
    if answer.headers().get(GRPC_STATUS) == Some(&unimplemented) {
        let code = HeaderValue::from(Code::FailedPrecondition as i32);
        answer.headers_mut().insert(GRPC_STATUS, code);
    }
    answer
}

fn answered(outcome: Outcome) -> TopicEventResponse {
    TopicEventResponse {
        status: status(outcome) as i32,
    }
}

fn status(outcome: Outcome) -> TopicEventResponseStatus {
    match outcome {
        Outcome::Success => TopicEventResponseStatus::Success,
        Outcome::Retry => TopicEventResponseStatus::Retry,
        Outcome::Drop => TopicEventResponseStatus::Drop,
    }
}

/// What extractors see of a call: the metadata as headers, and the route as the path.
fn parts(
    path: &str,
    metadata: &tonic::metadata::MetadataMap,
    extensions: http::Extensions,
) -> http::request::Parts {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.method = Method::POST;
    parts.uri = path.parse().unwrap_or_default();
    parts.version = Version::HTTP_2;
    parts.headers = metadata.clone().into_headers();
    parts.extensions = extensions;
    parts
}

impl<S: Clone + Send + Sync + 'static> Call<S> {
    fn check_token(&self, metadata: &tonic::metadata::MetadataMap) -> Result<(), Status> {
        if token::admits(&self.callback.tokens, metadata.as_ref()) {
            return Ok(());
        }
        tracing::warn!("a delivery without the right dapr-api-token: refused");
        Err(Status::unauthenticated(
            "dapr-api-token is missing or wrong",
        ))
    }

    /// The route that the sidecar names; where it names none, the only one of the topic.
    fn route(&self, path: &str, topic: &str) -> Option<&Arc<Route<S>>> {
        let routes = &self.callback.routes;
        if !path.is_empty() {
            return routes.get(path);
        }
        let mut of_topic = routes
            .values()
            .filter(|route| route.subscription.topic() == topic);
        let only = of_topic.next()?;
        of_topic.next().is_none().then_some(only)
    }

    fn undeclared(path: &str, topic: &str) -> Outcome {
        let (path, topic) = (shown(path), shown(topic));
        tracing::error!(
            path,
            topic,
            "a delivery for a route that no subscription declares: to be retried"
        );
        Outcome::Retry
    }
}

#[tonic::async_trait]
impl<S: Clone + Send + Sync + 'static> AppCallback for Call<S> {
    async fn on_topic_event(
        &self,
        request: tonic::Request<TopicEventRequest>,
    ) -> Result<tonic::Response<TopicEventResponse>, Status> {
        self.check_token(request.metadata())?;
        let (metadata, extensions, event) = request.into_parts();
        if let Some(&TooLarge { limit }) = extensions.get() {
            let error = DecodeError::TooLarge { limit };
            let outcome = self.callback.unread();
            tracing::warn!(%error, reason = error.reason(), %outcome, "an event that cannot be read");
            return Ok(tonic::Response::new(answered(outcome)));
        }
        let Some(route) = self.route(&event.path, &event.topic) else {
            let outcome = Self::undeclared(&event.path, &event.topic);
            return Ok(tonic::Response::new(answered(outcome)));
        };
        let active = route.begin(&event.pubsub_name);
        let parts = parts(route.subscription.route(), &metadata, extensions);
        let unread = || (Some(event.id.clone()), &*event.data);
        let limit = route.limits.body;
        let envelope = if self.length > limit {
            Err(DecodeError::TooLarge { limit })
        } else {
            Envelope::of_callback(&event)
        };
        let outcome = route
            .receive(
                &active,
                parts,
                envelope,
                unread,
                self.state.clone(),
                self.started + route.limits.handler,
            )
            .await;
        Ok(tonic::Response::new(answered(outcome)))
    }

    async fn on_bulk_topic_event(
        &self,
        request: tonic::Request<TopicEventBulkRequest>,
    ) -> Result<tonic::Response<TopicEventBulkResponse>, Status> {
        self.check_token(request.metadata())?;
        if request.extensions().get::<TooLarge>().is_some() {
            return Err(Status::resource_exhausted("the message is too large"));
        }
        Ok(tonic::Response::new(bulk::deliver(self, request).await))
    }

    async fn list_topic_subscriptions(
        &self,
        _: tonic::Request<()>,
    ) -> Result<tonic::Response<ListTopicSubscriptionsResponse>, Status> {
        let subscriptions = self.callback.entries.iter().map(listed).collect();
        Ok(tonic::Response::new(ListTopicSubscriptionsResponse {
            subscriptions,
        }))
    }

    async fn list_input_bindings(
        &self,
        _: tonic::Request<()>,
    ) -> Result<tonic::Response<ListInputBindingsResponse>, Status> {
        Ok(tonic::Response::new(ListInputBindingsResponse::default()))
    }

    /// Only the broker hands in events: any app of the cluster can come this way, and the sidecar adds the token for it.
    async fn on_invoke(
        &self,
        _: tonic::Request<InvokeRequest>,
    ) -> Result<tonic::Response<InvokeResponse>, Status> {
        Err(Status::permission_denied(
            "this application takes no service invocation",
        ))
    }

    async fn on_binding_event(
        &self,
        _: tonic::Request<BindingEventRequest>,
    ) -> Result<tonic::Response<BindingEventResponse>, Status> {
        Err(Status::failed_precondition(
            "this application has no bindings",
        ))
    }

    async fn on_job_event(
        &self,
        _: tonic::Request<JobEventRequest>,
    ) -> Result<tonic::Response<JobEventResponse>, Status> {
        Err(Status::failed_precondition("this application has no jobs"))
    }
}

#[tonic::async_trait]
impl<S: Clone + Send + Sync + 'static> AppCallbackAlpha for Call<S> {
    async fn on_bulk_topic_event_alpha1(
        &self,
        request: tonic::Request<TopicEventBulkRequest>,
    ) -> Result<tonic::Response<TopicEventBulkResponse>, Status> {
        self.on_bulk_topic_event(request).await
    }

    async fn on_job_event_alpha1(
        &self,
        request: tonic::Request<JobEventRequest>,
    ) -> Result<tonic::Response<JobEventResponse>, Status> {
        self.on_job_event(request).await
    }
}

#[tonic::async_trait]
impl<S: Clone + Send + Sync + 'static> AppCallbackHealthCheck for Call<S> {
    async fn health_check(
        &self,
        _: tonic::Request<()>,
    ) -> Result<tonic::Response<HealthCheckResponse>, Status> {
        Ok(tonic::Response::new(HealthCheckResponse::default()))
    }
}

fn listed(entry: &SubscribeEntry) -> TopicSubscription {
    let rules = entry.routes.rules.iter().map(|rule| TopicRule {
        r#match: rule.condition.clone(),
        path: rule.path.clone(),
    });
    TopicSubscription {
        pubsub_name: entry.pubsub_name.clone(),
        topic: entry.topic.clone(),
        metadata: entry.metadata.clone().into_iter().collect(),
        routes: Some(TopicRoutes {
            rules: rules.collect(),
            default: entry.routes.default.clone(),
        }),
        dead_letter_topic: entry.dead_letter_topic.clone().unwrap_or_default(),
        bulk_subscribe: None,
    }
}
