//! What a subscriber tells the sidecar about an event, and what handlers may return instead.

use std::fmt;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::text;

/// Bytes of an error that are logged: it may quote what the handler was given.
const ERROR: usize = 1000;

/// The fate of a delivered event. Answered as `200 {"status":"SUCCESS"|"RETRY"|"DROP"}`.
///
/// Dapr reads the body, not the code: a 2xx whose body it cannot decode counts as success, a
/// lower-case status as a retry, a 404 as a drop
/// (dapr/dapr `pkg/runtime/subscription/postman/http/http.go`). That is why there is one type that
/// can only produce the three answers it understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    /// Done: the broker may forget the event.
    Success,
    /// Not done, worth another attempt: the sidecar's inbound retry policy decides when, and
    /// whether; after the last attempt the event goes to the dead-letter topic, if there is one.
    Retry,
    /// Never to be done: straight to the dead-letter topic if there is one, else lost.
    Drop,
}

impl Outcome {
    /// `SUCCESS`, `RETRY` or `DROP`, as Dapr spells them.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::Retry => "RETRY",
            Self::Drop => "DROP",
        }
    }

    pub(crate) const fn body(self) -> &'static str {
        match self {
            Self::Success => r#"{"status":"SUCCESS"}"#,
            Self::Retry => r#"{"status":"RETRY"}"#,
            Self::Drop => r#"{"status":"DROP"}"#,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl IntoResponse for Outcome {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/json");
        (StatusCode::OK, [(header::CONTENT_TYPE, json)], self.body()).into_response()
    }
}

/// What an event handler may return.
///
/// | returned | answer |
/// |---|---|
/// | `()` | SUCCESS |
/// | [`Outcome`] | itself |
/// | `Result<R, E>` | `Ok`: that of `R`; `Err`: `E`'s outcome, after one log line with its text |
///
/// `E` says which of its cases are worth another attempt by `impl From<E> for Outcome`;
/// [`InboxError`](crate::InboxError) does (RETRY), so `?` works on it in a handler that returns
/// `Result<Outcome, InboxError>`.
pub trait IntoOutcome {
    /// The answer; an error is logged here, once, inside the delivery's span.
    fn into_outcome(self) -> Outcome;

    /// The same, with the text of the error that it came from, where it came from one: what an inbox keeps as the reason.
    fn into_outcome_with_reason(self) -> (Outcome, Option<String>)
    where
        Self: Sized,
    {
        (self.into_outcome(), None)
    }
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Outcome {
        self
    }
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Outcome {
        Outcome::Success
    }
}

impl<R, E> IntoOutcome for Result<R, E>
where
    R: IntoOutcome,
    E: Into<Outcome> + fmt::Display,
{
    fn into_outcome(self) -> Outcome {
        self.into_outcome_with_reason().0
    }

    fn into_outcome_with_reason(self) -> (Outcome, Option<String>) {
        match self {
            Ok(returned) => returned.into_outcome_with_reason(),
            Err(error) => {
                // `{:#}` prints the whole chain of an error type that supports it.
                let reason = format!("{error:#}");
                let text = text::cut(&reason, ERROR);
                let outcome = error.into();
                match outcome {
                    Outcome::Success => {
                        tracing::info!(error = text, %outcome, "event handled with an error");
                    }
                    Outcome::Retry => {
                        tracing::warn!(error = text, %outcome, "event not handled, to be retried");
                    }
                    Outcome::Drop => tracing::warn!(error = text, %outcome, "event refused"),
                }
                (outcome, Some(reason))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{IntoOutcome as _, Outcome};

    #[test]
    fn spells_itself_as_dapr_reads_it() {
        for outcome in [Outcome::Success, Outcome::Retry, Outcome::Drop] {
            assert_eq!(outcome.body(), format!(r#"{{"status":"{outcome}"}}"#));
            assert_eq!(
                serde_json::to_string(&outcome).unwrap(),
                format!("\"{outcome}\"")
            );
        }
    }

    #[test]
    fn the_reason_is_the_text_of_the_error() {
        struct Refused;
        impl std::fmt::Display for Refused {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("no stock")
            }
        }
        impl From<Refused> for Outcome {
            fn from(_: Refused) -> Self {
                Self::Retry
            }
        }
        let refused = Err::<(), _>(Refused).into_outcome_with_reason();
        assert_eq!(refused, (Outcome::Retry, Some("no stock".to_owned())));
        let nested = Ok::<_, Refused>(Err::<(), _>(Refused));
        assert_eq!(nested.into_outcome_with_reason(), refused);
        assert_eq!(
            Outcome::Drop.into_outcome_with_reason(),
            (Outcome::Drop, None)
        );
    }

    #[test]
    fn results_become_outcomes() {
        assert_eq!(().into_outcome(), Outcome::Success);
        assert_eq!(Ok::<(), Outcome>(()).into_outcome(), Outcome::Success);
        assert_eq!(
            Err::<(), Outcome>(Outcome::Drop).into_outcome(),
            Outcome::Drop
        );
        assert_eq!(
            Ok::<Outcome, Outcome>(Outcome::Retry).into_outcome(),
            Outcome::Retry
        );
    }
}
