//! The JSON body extractor: bounded in size and time, and every rejection is a [`Problem`].

use axum::extract::{FromRequest, Request};
use dapr_pubsub::Objects;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::body::{self, BodyError};
use crate::problem::Problem;

/// U+FEFF in UTF-8, as some editors and shells of Windows begin a file.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A JSON body of type `T`.
///
/// Structs are read from objects only: serde would take a list for one, its members in the order of the fields.
///
/// Rejections: 400 not JSON, 408 body too slow, 413 larger than [`body::LIMIT`], 415 another content type or encoding,
/// 422 JSON of another shape.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        expect_json(&parts.headers)?;
        expect_plain(&parts.headers)?;
        let body = body::read(body).await.map_err(|error| match error {
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
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(Problem::malformed(
            "There is more than one header `Content-Type`.",
        ));
    }
    let value = first.and_then(|value| value.to_str().ok());
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

/// Nothing is decoded here, so nothing can be sent that is small and becomes large.
fn expect_plain(headers: &HeaderMap) -> Result<(), Problem> {
    let encodings = headers.get_all(header::CONTENT_ENCODING);
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if encodings.iter().all(plain) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "/problems/unsupported-content-encoding",
        "The content encoding is not supported",
        "Send the body without `Content-Encoding`.",
    )
    .accept_encoding("identity"))
}

/// Reads the JSON; a value of the wrong type is reported with the name of its field.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    if body.starts_with(BYTE_ORDER_MARK) {
        return Err(Problem::malformed(
            "The body begins with a byte order mark (EF BB BF), which JSON does not allow: send it without (RFC 8259, section 8.1).",
        ));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let objects = Objects(&mut deserializer);
    let value = serde_path_to_error::deserialize(objects).map_err(|error| {
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
