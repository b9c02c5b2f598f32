//! One request and its answer, to the letter of RFC 9110 and RFC 9112: what HTTP/1.1 asks of a server and hyper leaves to us.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use hyper::body::{Frame, SizeHint};
use tower::Service as _;

use crate::body;
use crate::problem::Problem;
use crate::shutdown::Shutdown;

/// What the requests of one connection go to. Around the router, not a layer of it, which would have boxes of its own for every request.
pub(super) struct Exchange {
    pub(super) router: Router,
    pub(super) shutdown: Shutdown,
    pub(super) cut_off: AtomicBool,
}

impl Exchange {
    /// Whether the connection ends while its client may still be sending.
    pub(super) fn is_cut_off(&self) -> bool {
        self.cut_off.load(Ordering::Relaxed)
    }

    async fn route(&self, request: Request) -> Response {
        let answer = self.router.clone().call(request).await;
        answer.unwrap_or_else(|never| match never {})
    }

    /// Refuses what HTTP/1.1 forbids; reads what the handler left of the body, since a client that is cut off while it sends reports a
    /// broken connection instead of the answer; and says `Connection: close` with an answer that is the last one.
    ///
    /// While draining every answer is: clients that keep connections open would otherwise learn of the end from a request that fails.
    pub(super) async fn answer(&self, request: Request) -> Response {
        // HTTP/2 has neither of these headers, and ends streams and connections by its own frames.
        if request.version() == Version::HTTP_2 {
            return self.route(request).await;
        }
        let started = Instant::now();
        let answer_at_once = expects_continue(request.headers());
        let refusal = refusal(&request);
        let (request, left) = Left::of(request);
        let mut response = match refusal {
            None => self.route(request).await,
            Some(refusal) => {
                drop(request);
                refusal.into_response()
            }
        };
        let unread = match left.take() {
            None => false,
            // It waits for our word, and would be asked to send what nobody wants.
            Some((_, Touched(false))) if answer_at_once => true,
            Some((rest, _)) => {
                let time = body::DEADLINE.saturating_sub(started.elapsed());
                !body::discard(rest, time).await
            }
        };
        if unread {
            self.cut_off.store(true, Ordering::Relaxed);
        }
        if unread || self.shutdown.is_draining() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        response
    }
}

/// Whether the client sends its body only when it is asked to.
pub(crate) fn expects_continue(headers: &HeaderMap) -> bool {
    let expect = headers.get(header::EXPECT);
    expect.is_some_and(|expect| expect.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

fn refusal(request: &Request) -> Option<Problem> {
    let headers = request.headers();
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() == Version::HTTP_10 => {}
        (Some(host), None) if is_host(host) => {}
        (None, _) => return Some(Problem::malformed("The header `Host` is missing.")),
        (Some(_), None) => {
            return Some(Problem::malformed(
                "The header `Host` is not a host with or without a port.",
            ));
        }
        (Some(_), Some(_)) => {
            return Some(Problem::malformed("There is more than one header `Host`."));
        }
    }
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let (coding, more) = (codings.next()?, codings.next());
    if more.is_none() && coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        return None;
    }
    // RFC 9112, section 6.1: a coding that is not understood.
    Some(Problem::new(
        StatusCode::NOT_IMPLEMENTED,
        "/problems/transfer-encoding",
        "The transfer coding is not supported",
        "Send the body as it is, with `Content-Length` or `Transfer-Encoding: chunked`.",
    ))
}

/// `uri-host [":" port]` of RFC 9110, section 7.2.
fn is_host(value: &HeaderValue) -> bool {
    let Ok(authority) = Authority::try_from(value.as_bytes()) else {
        return false;
    };
    let text = authority.as_str();
    let port = text.strip_prefix(authority.host()).unwrap_or("@");
    let digits = port.strip_prefix(':').unwrap_or_default();
    !authority.host().is_empty()
        && (port.is_empty() || port == ":" || authority.port_u16().is_some())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Where a body is put that nobody has read to its end.
struct Left(Option<Place>);

/// Shared with the body; filled when it is dropped.
type Place = Arc<Mutex<Option<(Body, Touched)>>>;

/// Whether anything was asked of the body; asking makes hyper send `100 Continue`.
#[derive(Clone, Copy)]
struct Touched(bool);

impl Left {
    fn of(request: Request) -> (Request, Self) {
        if request.body().is_end_stream() {
            return (request, Self(None));
        }
        let place = Place::default();
        let request = request.map(|body| {
            Body::new(Watched {
                body: Some(body),
                touched: Touched(false),
                place: Arc::clone(&place),
            })
        });
        (request, Self(Some(place)))
    }

    fn take(self) -> Option<(Body, Touched)> {
        self.0?
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// A body that is put back when it is dropped too early.
struct Watched {
    /// There until it has been read to its end.
    body: Option<Body>,
    touched: Touched,
    place: Place,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.touched = Touched(true);
        let Some(body) = self.body.as_mut() else {
            return Poll::Ready(None);
        };
        let frame = std::task::ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let body = self.body.take().filter(|body| !body.is_end_stream());
        if let Some(body) = body {
            *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some((body, self.touched));
        }
    }
}
