//! What the commit renders: `GATE_PLAN`.

use crate::End;
use crate::objects::Objects;

/// Reads the plan.
///
/// # Errors
/// Which variable cannot be used, and why.
pub(crate) fn read(plan: &str) -> Result<Objects, End> {
    let parsed = match plan.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| format!("{path}: {error}"))
            .and_then(|text| parse(&text)),
        None => parse(plan),
    };
    parsed.map_err(|reason| {
        End::Unusable(format!(
            "GATE_PLAN: {reason}; it must be `{{\"components\": [...], \"subscriptions\": [...]}}`"
        ))
    })
}

fn parse(text: &str) -> Result<Objects, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}
