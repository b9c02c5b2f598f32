//! Async functions as event handlers.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::IntoResponse as _;
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::{CloudEvent, DecodeError, Envelope, IntoOutcome, Outcome};

/// What became of an event that reached a handler.
#[derive(Debug)]
pub enum Handled {
    /// The handler ran, and said so, and why, if it returned an error.
    Outcome(Outcome, Option<String>),
    /// An extractor, or a layer around the handler, refused with this status; the handler did not run.
    NotExtracted(StatusCode),
}

/// A handler at work.
pub type HandlerFuture = Pin<Box<dyn Future<Output = Handled> + Send>>;

/// A handler that has its event, and takes the request's parts and the router's state to begin.
pub type PreparedHandler<S> = Box<dyn FnOnce(Parts, S) -> HandlerFuture + Send>;

/// An async function that takes events.
///
/// Implemented for functions of zero to six extractors ([`FromRequestParts`]: `State`, `Extension`,
/// `HeaderMap`, ...) and, last, a [`CloudEvent<T>`], that return something that is
/// [`IntoOutcome`]. `M` only tells the implementations apart.
pub trait EventHandler<M, S>: Clone + Send + Sync + 'static {
    /// Reads the data; the work begins when the future that follows is polled. The event is not borrowed by it.
    ///
    /// # Errors
    /// The event's data is not what the handler takes; it does not run.
    fn prepare(self, event: &Envelope<'_>) -> Result<PreparedHandler<S>, DecodeError>;
}

macro_rules! impl_event_handler {
    ($($extractor:ident),*) => {
        impl<F, Returned, T, S, $($extractor,)*> EventHandler<(T, $($extractor,)*), S> for F
        where
            F: Fn($($extractor,)* CloudEvent<T>) -> Returned + Clone + Send + Sync + 'static,
            Returned: Future + Send + 'static,
            Returned::Output: IntoOutcome,
            T: DeserializeOwned + Send + 'static,
            S: Send + Sync + 'static,
            $($extractor: FromRequestParts<S> + Send + 'static,)*
        {
            #[allow(non_snake_case, unused_mut, unused_variables)]
            fn prepare(self, event: &Envelope<'_>) -> Result<PreparedHandler<S>, DecodeError> {
                let event = event.decode::<T>()?;
                Ok(Box::new(move |mut parts: Parts, state: S| Box::pin(async move {
                    $(
                        let $extractor = match $extractor::from_request_parts(&mut parts, &state).await {
                            Ok(extracted) => extracted,
                            Err(rejection) => {
                                return Handled::NotExtracted(rejection.into_response().status());
                            }
                        };
                    )*
                    let returned = self($($extractor,)* event).await;
                    let (outcome, reason) = returned.into_outcome_with_reason();
                    Handled::Outcome(outcome, reason)
                })))
            }
        }
    };
}

impl_event_handler!();
impl_event_handler!(E1);
impl_event_handler!(E1, E2);
impl_event_handler!(E1, E2, E3);
impl_event_handler!(E1, E2, E3, E4);
impl_event_handler!(E1, E2, E3, E4, E5);
impl_event_handler!(E1, E2, E3, E4, E5, E6);

/// A handler without its type, for the table of routes.
pub(super) trait ErasedHandler<S>: Send + Sync {
    fn prepare(&self, event: &Envelope<'_>) -> Result<PreparedHandler<S>, DecodeError>;
}

struct Erased<H, M> {
    handler: H,
    marker: PhantomData<fn() -> M>,
}

impl<H: EventHandler<M, S>, M, S> ErasedHandler<S> for Erased<H, M> {
    fn prepare(&self, event: &Envelope<'_>) -> Result<PreparedHandler<S>, DecodeError> {
        self.handler.clone().prepare(event)
    }
}

pub(super) fn erase<H, M, S>(handler: H) -> Arc<dyn ErasedHandler<S>>
where
    H: EventHandler<M, S>,
    M: 'static,
    S: 'static,
{
    Arc::new(Erased {
        handler,
        marker: PhantomData,
    })
}
