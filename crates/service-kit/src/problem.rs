//! RFC 9457 problem details, the only error body that the APIs send.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of a [`Problem`] (RFC 9457, section 3).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An error answer: `{"type", "title", "status", "detail", "field"?}`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// A stable identifier of the kind of problem, relative to the API: `/problems/invalid-field`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The kind in words; the same for every occurrence.
    pub title: &'static str,
    /// The HTTP status code.
    pub status: u16,
    /// What was wrong this time, and what to do.
    pub detail: String,
    /// The field of the request that is wrong, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(skip)]
    retry_after: Option<Duration>,
    #[serde(skip)]
    accept_encoding: Option<&'static str>,
}

impl Problem {
    /// A problem of a status: `kind` identifies it (`/problems/...`), `title` says it in words, `detail` says it of this occurrence.
    pub fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            title,
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            retry_after: None,
            accept_encoding: None,
        }
    }

    /// 400: the request cannot be read as what its content type says.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "/problems/malformed-request",
            "The request cannot be read",
            detail,
        )
    }

    /// 404: no such path.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "/problems/not-found",
            "There is nothing at this path",
            "See /openapi.json for the paths of this API.",
        )
    }

    /// 405: the path exists, but not with this method.
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "/problems/method-not-allowed",
            "The path has no such method",
            "See /openapi.json for the methods of this path.",
        )
    }

    /// 422: a field is missing or holds a value that is not allowed.
    pub fn invalid_field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            ..Self::invalid(detail)
        }
    }

    /// 422: JSON of another shape than expected, without a field that could be named.
    pub fn invalid(detail: impl Into<String>) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self::new(
            status,
            "/problems/invalid-field",
            "A field is invalid",
            detail,
        )
    }

    /// 429: this instance has as much work as it may hold.
    pub fn overloaded(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "/problems/overloaded",
            "Too many requests",
            detail,
        )
        .retry_after(Duration::from_secs(1))
    }

    /// 500: a fault of ours. The cause belongs into the log, not here.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "/problems/internal",
            "Internal error",
            "The service failed; its log says why.",
        )
    }

    /// Tells the caller when to try again (`Retry-After`, whole seconds, at least one).
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Tells the caller which content codings it may send (`Accept-Encoding`, RFC 9110, section 12.5.3).
    #[must_use]
    pub fn accept_encoding(mut self, codings: &'static str) -> Self {
        self.accept_encoding = Some(codings);
        self
    }

    /// The HTTP status code.
    pub fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A struct of strings and numbers always serialises.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status_code(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(after) = self.retry_after {
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from(after.as_secs().max(1)),
            );
        }
        if let Some(codings) = self.accept_encoding {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(codings));
        }
        response
    }
}
