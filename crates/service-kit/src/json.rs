//! The JSON body extractor: bounded in size and time, and every rejection is a [`Problem`].

use axum::extract::{FromRequest, Request};
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::body::{self, BodyError};
use crate::problem::Problem;

/// A JSON body of type `T`.
///
/// Rejections: 400 not JSON, 408 body too slow, 413 larger than [`body::LIMIT`], 415 another content type,
/// 422 JSON of another shape.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        // Read first, whatever the content type: a client that is still sending would not see the answer.
        let body = body::read(body).await;
        expect_json(&parts.headers)?;
        let body = body.map_err(|error| match error {
            BodyError::TooLarge => too_large(),
            BodyError::TooSlow => too_slow(),
            BodyError::Broken(reason) => {
                Problem::malformed(format!("The body broke off: {reason}."))
            }
        })?;
        parse(&body).map(Self)
    }
}

fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers
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

/// Reads the JSON; a value of the wrong type is reported with the name of its field.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        match (cause.is_data(), path.as_str()) {
            (false, _) => not_json(&cause),
            (true, ".") => {
                Problem::invalid(format!("The JSON has not the expected shape: {cause}."))
            }
            (true, field) => Problem::invalid_field(field, format!("`{field}`: {cause}.")),
        }
    })?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::malformed(format!("The body is not JSON: {error}."))
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "/problems/too-large",
        "The body is too large",
        format!("Send at most {} bytes.", body::LIMIT),
    )
}

fn too_slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "/problems/too-slow",
        "The body came too slowly",
        format!(
            "Send the whole body within {} seconds.",
            body::DEADLINE.as_secs()
        ),
    )
}
