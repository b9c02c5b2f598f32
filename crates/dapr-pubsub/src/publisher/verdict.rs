//! What daprd's answer says about an event.
//!
//! Codes and reasons: dapr/dapr `pkg/api/errors/pubsub.go` and `pkg/messages/errorcodes/errorcodes.go`.

use std::error::Error as _;

use tonic::{Code, ConnectError, Status};
use tonic_types::StatusExt as _;

/// Reasons of `google.rpc.ErrorInfo` for a component that is not there, or not yet.
const NOT_LOADED: [&str; 3] = [
    "DAPR_PUBSUB_NOT_FOUND",
    "DAPR_PUBSUB_TEST_NOT_FOUND",
    "DAPR_PUBSUB_NOT_CONFIGURED",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Worth another attempt. `unknown`: this one may have succeeded all the same.
    Retry { unknown: bool },
    /// The same answer would come again.
    Reject,
    /// It is about the event itself, so no attempt before can have succeeded either.
    Unfit,
}

/// The answer to the publication of one event.
pub(super) fn of_event(status: &Status) -> Verdict {
    match status.code() {
        _ if component_not_loaded(status) => Verdict::Retry { unknown: false },
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::Cancelled
        | Code::Internal
        | Code::Unknown
        | Code::Aborted
        | Code::NotFound => Verdict::Retry {
            unknown: outcome_unknown(status),
        },
        Code::InvalidArgument => Verdict::Unfit,
        // gRPC's own check of the message size. Every other exhaustion passes.
        Code::ResourceExhausted if status.message().contains("larger than max") => Verdict::Unfit,
        Code::ResourceExhausted => Verdict::Retry { unknown: false },
        _ => Verdict::Reject,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BulkVerdict {
    /// It says the same about each event.
    Each(Verdict),
    /// It may be about some of the events only: they have to be asked about one by one.
    ///
    /// `unknown`: the broker may have taken some before.
    Unclear { unknown: bool },
}

/// The answer to a bulk call.
pub(super) fn of_bulk(status: &Status) -> BulkVerdict {
    match status.code() {
        _ if component_not_loaded(status) => BulkVerdict::Each(of_event(status)),
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::Cancelled
        | Code::Aborted
        | Code::NotFound
        | Code::PermissionDenied
        | Code::Unauthenticated => BulkVerdict::Each(of_event(status)),
        // Refused as a whole, before anything was sent.
        Code::InvalidArgument | Code::Unimplemented | Code::ResourceExhausted => {
            BulkVerdict::Unclear { unknown: false }
        }
        _ => BulkVerdict::Unclear { unknown: true },
    }
}

fn component_not_loaded(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound
    ) && status
        .get_details_error_info()
        .is_some_and(|info| NOT_LOADED.contains(&info.reason.as_str()))
}

/// A refused connection sent nothing, and neither did daprd when it says UNAVAILABLE. A broker's own errors are INTERNAL, whatever
/// they are: its connection may have broken after it had stored the event. What is left broke off in the middle, or took too long.
fn outcome_unknown(status: &Status) -> bool {
    if !matches!(status.code(), Code::Unavailable | Code::NotFound) {
        return true;
    }
    let mut cause = status.source();
    let transport_failed = cause.is_some();
    while let Some(error) = cause {
        if error.is::<ConnectError>() {
            return false;
        }
        cause = error.source();
    }
    transport_failed
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic::{Code, ConnectError, Status};
    use tonic_types::{ErrorDetails, StatusExt as _};

    use super::{BulkVerdict, Verdict, of_bulk, of_event};

    const REFUSED: Verdict = Verdict::Retry { unknown: false };
    const UNKNOWN: Verdict = Verdict::Retry { unknown: true };

    fn with_reason(code: Code, reason: &str) -> Status {
        let details = ErrorDetails::with_error_info(reason, "dapr.io", HashMap::new());
        Status::with_error_details(code, "no", details)
    }

    #[test]
    fn a_component_that_may_come_is_waited_for() {
        for (code, reason) in [
            (Code::InvalidArgument, "DAPR_PUBSUB_NOT_FOUND"),
            (Code::FailedPrecondition, "DAPR_PUBSUB_NOT_CONFIGURED"),
            (Code::NotFound, "DAPR_PUBSUB_TEST_NOT_FOUND"),
        ] {
            let status = with_reason(code, reason);
            assert_eq!(of_event(&status), REFUSED);
            assert_eq!(of_bulk(&status), BulkVerdict::Each(REFUSED));
        }
        let bad = with_reason(
            Code::InvalidArgument,
            "DAPR_PUBSUB_METADATA_DESERIALIZATION",
        );
        assert_eq!(of_event(&bad), Verdict::Unfit);
        assert_eq!(of_bulk(&bad), BulkVerdict::Unclear { unknown: false });
    }

    #[test]
    fn a_failed_bulk_call_says_nothing_about_each_event() {
        let broker = Status::internal("connection reset");
        assert_eq!(of_event(&broker), UNKNOWN);
        assert_eq!(of_bulk(&broker), BulkVerdict::Unclear { unknown: true });
        let old = Status::unimplemented("old daprd");
        assert_eq!(of_bulk(&old), BulkVerdict::Unclear { unknown: false });
    }

    #[test]
    fn forbidden_is_final() {
        assert_eq!(
            of_event(&Status::permission_denied("topic")),
            Verdict::Reject
        );
        let of_all = of_bulk(&Status::permission_denied("topic"));
        assert_eq!(of_all, BulkVerdict::Each(Verdict::Reject));
    }

    #[test]
    fn only_what_was_not_sent_is_refused() {
        assert_eq!(of_event(&Status::deadline_exceeded("late")), UNKNOWN);
        assert_eq!(of_event(&Status::unavailable("says daprd")), REFUSED);
        let refused = ConnectError("connection refused".into());
        assert_eq!(of_event(&Status::from_error(Box::new(refused))), REFUSED);
        let broken = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert_eq!(of_event(&Status::from_error(Box::new(broken))), UNKNOWN);
    }

    #[test]
    fn too_large_is_final() {
        let large = "grpc: received message larger than max (5 vs. 4)";
        assert_eq!(of_event(&Status::resource_exhausted(large)), Verdict::Unfit);
        assert_eq!(of_event(&Status::resource_exhausted("busy")), REFUSED);
    }
}
