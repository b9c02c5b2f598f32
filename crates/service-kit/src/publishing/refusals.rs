//! What an API answers beside its 200, for its description.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};

use crate::problem::PROBLEM_JSON;

/// Every answer to a `POST` that is no 200: `responses((status = 200, ...), Refusals)`. The schema of problems is in every
/// [`api`](super::api).
#[derive(Debug)]
pub enum Refusals {}

/// Status and when it is the answer.
const ANSWERS: [(u16, &str); 13] = [
    (
        400,
        "Not HTTP/1.1, not JSON, or an unusable Idempotency-Key",
    ),
    (404, "Another path"),
    (405, "Another method"),
    (408, "The body came too slowly"),
    (413, "The body is too large"),
    (
        415,
        "The content type is not JSON, or there is a content encoding",
    ),
    (422, "A field is missing or invalid; `field` names it"),
    (429, "Too many requests for this instance"),
    (
        431,
        "The head of the request is larger than 16 KiB, or has more than 100 headers",
    ),
    (500, "A fault of the service or its configuration"),
    (501, "A transfer coding other than `chunked`"),
    (
        503,
        "The sidecar or its component is not available; the event was not taken",
    ),
    (
        504,
        "No acknowledgement in time; the event may have been taken",
    ),
];

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let responses = ANSWERS.into_iter();
        responses
            .map(|(status, when)| (status.to_string(), response(status, when).into()))
            .collect()
    }
}

fn response(status: u16, when: &str) -> Response {
    let mut response = ResponseBuilder::new().description(when);
    // 431 comes before there is a request that could be answered with more.
    if status != 431 {
        let problem = Content::new(Some(Ref::from_schema_name("Problem")));
        response = response.content(PROBLEM_JSON, problem);
    }
    let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    let header = |schema: ObjectBuilder, description: &str| {
        HeaderBuilder::new()
            .schema(Some(schema))
            .description(Some(description))
            .build()
    };
    match status {
        405 => response.header("Allow", header(text, "The methods of the path")),
        415 => response.header(
            "Accept-Encoding",
            header(text, "`identity`, where an encoding was the reason"),
        ),
        429 | 503 | 504 => {
            let seconds = ObjectBuilder::new()
                .schema_type(SchemaType::Type(Type::Integer))
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
                .minimum(Some(0));
            response.header("Retry-After", header(seconds, "Seconds"))
        }
        _ => response,
    }
    .build()
}
