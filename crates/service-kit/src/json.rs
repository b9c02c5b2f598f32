//! The JSON body extractor: bounded in size and time, and every rejection is a [`Problem`].

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use http::{StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The largest body taken, in bytes. Times the number of connections it bounds the memory that clients can claim.
pub const BODY_LIMIT: usize = 32 * 1024;

/// How long a client may take to send its body.
pub const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// A JSON body of type `T`.
///
/// Rejections: 400 not JSON, 408 body too slow, 413 larger than [`BODY_LIMIT`], 415 another content type,
/// 422 JSON of another shape.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        expect_json(&request)?;
        let body = Limited::new(request.into_body(), BODY_LIMIT).collect();
        let body = match tokio::time::timeout(BODY_DEADLINE, body).await {
            Err(_) => return Err(too_slow()),
            Ok(Err(error)) if error.is::<LengthLimitError>() || caused_by_limit(&*error) => {
                return Err(too_large());
            }
            Ok(Err(error)) => {
                return Err(Problem::malformed(format!("The body broke off: {error}.")));
            }
            Ok(Ok(body)) => body.to_bytes(),
        };
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|error| unreadable(&error))
    }
}

fn expect_json(request: &Request) -> Result<(), Problem> {
    let value = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = value
        .unwrap_or("")
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    let subtype = media_type.strip_prefix("application/");
    if subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json")) {
        return Ok(());
    }
    let got = value.map_or("none".to_owned(), |value| format!("`{value}`"));
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "/problems/unsupported-media-type",
        "The content type is not supported",
        format!("Send `Content-Type: application/json`; got {got}."),
    ))
}

fn unreadable(error: &serde_json::Error) -> Problem {
    if error.is_data() {
        return Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "/problems/invalid-field",
            "A field is invalid",
            format!("The JSON has not the expected shape: {error}."),
        );
    }
    Problem::malformed(format!("The body is not JSON: {error}."))
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "/problems/too-large",
        "The body is too large",
        format!("Send at most {BODY_LIMIT} bytes."),
    )
}

fn too_slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "/problems/too-slow",
        "The body came too slowly",
        format!(
            "Send the whole body within {} seconds.",
            BODY_DEADLINE.as_secs()
        ),
    )
}

fn caused_by_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(error.source(), |error| error.source())
        .any(<dyn std::error::Error>::is::<LengthLimitError>)
}
