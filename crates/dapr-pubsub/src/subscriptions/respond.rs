//! Answers that are no outcome.

use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{StatusCode, header};

/// RFC 9457, for the answers that Dapr does not read but people do, in daprd's log.
pub(super) fn problem(status: StatusCode, detail: &str) -> Response {
    #[derive(serde::Serialize)]
    struct Problem<'a> {
        title: &'a str,
        status: u16,
        detail: &'a str,
    }
    let title = status.canonical_reason().unwrap_or_default();
    let body = serde_json::to_vec(&Problem {
        title,
        status: status.as_u16(),
        detail,
    });
    let mut response = json(status, body.unwrap_or_default().into());
    let media_type = header::HeaderValue::from_static("application/problem+json");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
    response
}

pub(super) fn json(status: StatusCode, body: Bytes) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
