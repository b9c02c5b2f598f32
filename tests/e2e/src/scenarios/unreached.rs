//! Deliveries that did not reach the worker, and that its sidecar takes for handled all the same.
//!
//! daprd 1.18.2 and 1.18.3 put the handler of every delivery into one place before it runs (`pkg/middleware/http/pipeline.go`,
//! `http`). Of two that begin at the same moment, one may run the other's, and leave its connection error there
//! (`pkg/channel/http/http_channel.go`, `invokeMethodV1`). The first then looks like a 200 without a body, and that counts as
//! SUCCESS (`pkg/runtime/subscription/postman/http/http.go`, `Deliver`). So it takes a connection that fails, and a second
//! delivery at that moment: a worker that is killed with several events in hand.

use std::path::Path;

use serde_json::{Value, json};

use super::merge;
use crate::local::Stack;

/// What the sidecar writes then, at level debug. Every answer of the worker has a body.
const UNREACHED: &str = "skipping status check due to empty response body";

/// Values with which the worker's sidecar says so. Writing more, it is slower, and it happens more often.
pub(super) fn told() -> Value {
    sidecar(&json!({"dapr.io/log-level": "debug"}))
}

/// The same with one delivery at a time, to which it cannot happen.
pub(super) fn one_by_one() -> Value {
    let mut values = told();
    merge(
        &mut values,
        &sidecar(&json!({"dapr.io/app-max-concurrency": "1"})),
    );
    values
}

fn sidecar(annotations: &Value) -> Value {
    json!({"services": {"task-worker": {"sidecar": {"annotations": annotations}}}})
}

/// How many there were so far.
pub(super) fn so_far(stack: &Stack) -> usize {
    says(stack.worker().sidecar().process().log(), UNREACHED)
}

/// How often a log says so; not at all, if it cannot be read.
pub(super) fn says(log: &Path, what: &str) -> usize {
    std::fs::read_to_string(log).map_or(0, |text| text.matches(what).count())
}
