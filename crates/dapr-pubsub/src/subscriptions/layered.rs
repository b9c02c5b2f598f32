//! Layers around a handler, the same for either protocol and for each event of a bulk delivery.
//!
//! A layer is put around a service once, as it may have something to keep between requests. The work of each event gets through to the
//! innermost service in an extension of the request.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, any};
use http::StatusCode;
use http::request::Parts;
use tower::Service as _;

use super::handler::{ErasedHandler, Handled, HandlerFuture, PreparedHandler};
use super::own::Layering;
use crate::{DecodeError, Envelope};

pub(super) struct Layered<S> {
    handler: Arc<dyn ErasedHandler<S>>,
    service: MethodRouter,
}

impl<S> Layered<S> {
    pub(super) fn new(handler: Arc<dyn ErasedHandler<S>>, layering: &Layering) -> Self {
        Self {
            handler,
            service: layering.around(any(innermost)),
        }
    }
}

impl<S: Send + 'static> ErasedHandler<S> for Layered<S> {
    fn prepare(&self, event: &Envelope<'_>) -> Result<PreparedHandler<S>, DecodeError> {
        let work = self.handler.prepare(event)?;
        let mut service = self.service.clone();
        let layered = async move |mut parts: Parts, state: S| {
            let slot = Slot::new(Box::new(move |parts| work(parts, state)));
            parts.extensions.insert(slot.clone());
            let request = Request::from_parts(parts, Body::empty());
            let answer = match service.call(request).await {
                Ok(answer) => answer,
                Err(never) => match never {},
            };
            match mem::replace(&mut *slot.lock(), Stage::Begun) {
                Stage::Ended(handled) => handled,
                _ => Handled::NotExtracted(answer.status()),
            }
        };
        Ok(Box::new(|parts, state| Box::pin(layered(parts, state))))
    }
}

/// The work of one event, on its way through the layers and back.
#[derive(Clone)]
struct Slot(Arc<Mutex<Stage>>);

enum Stage {
    Waiting(Box<dyn FnOnce(Parts) -> HandlerFuture + Send>),
    Begun,
    Ended(Handled),
}

impl Slot {
    fn new(work: Box<dyn FnOnce(Parts) -> HandlerFuture + Send>) -> Self {
        Self(Arc::new(Mutex::new(Stage::Waiting(work))))
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Called twice for one event, by a layer that repeats, it does nothing: the sidecar retries.
async fn innermost(request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let Some(slot) = parts.extensions.remove::<Slot>() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let stage = mem::replace(&mut *slot.lock(), Stage::Begun);
    let Stage::Waiting(work) = stage else {
        *slot.lock() = stage;
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let handled = work(parts).await;
    let answer = match &handled {
        Handled::Outcome(outcome, _) => outcome.into_response(),
        Handled::NotExtracted(status) => status.into_response(),
    };
    *slot.lock() = Stage::Ended(handled);
    answer
}
