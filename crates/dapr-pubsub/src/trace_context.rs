//! W3C trace context: the two strings that travel, and OpenTelemetry's own type.
//!
//! Written out here because the propagators live in the OpenTelemetry SDK, and a library depends on
//! the API only. Format: <https://www.w3.org/TR/trace-context/#traceparent-header>.

use std::str::FromStr;

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The `traceparent` and, where there is one, the `tracestate` of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceHeaders {
    pub(crate) parent: String,
    pub(crate) state: Option<String>,
}

impl TraceHeaders {
    /// `None` where no OpenTelemetry layer is installed, or the span is filtered out.
    pub(crate) fn of(span: &Span) -> Option<Self> {
        if span.is_disabled() {
            return None;
        }
        let context = span.context();
        let context = context.span().span_context().clone();
        context.is_valid().then(|| Self {
            parent: format!(
                "00-{}-{}-{:02x}",
                context.trace_id(),
                context.span_id(),
                context.trace_flags().to_u8()
            ),
            state: Some(context.trace_state().header()).filter(|state| !state.is_empty()),
        })
    }
}

/// Reads what a publisher or the sidecar sent; `None` for anything that is not a valid context.
pub(crate) fn parse(parent: &str, state: Option<&str>) -> Option<SpanContext> {
    let mut fields = parent.trim().split('-');
    let version = hex(fields.next()?, 2)?;
    let trace_id = hex(fields.next()?, 32)?;
    let span_id = hex(fields.next()?, 16)?;
    let flags = hex(fields.next()?, 2)?;
    // 0xff is forbidden; a later version may append fields, version 00 may not.
    if version == 0xff || (version == 0 && fields.next().is_some()) {
        return None;
    }
    let flags = TraceFlags::new(u8::try_from(flags).ok()?) & TraceFlags::SAMPLED;
    let state = state
        .and_then(|state| TraceState::from_str(state).ok())
        .unwrap_or_default();
    let context = SpanContext::new(
        TraceId::from(trace_id),
        SpanId::from(u64::try_from(span_id).ok()?),
        flags,
        true,
        state,
    );
    context.is_valid().then_some(context)
}

fn hex(field: &str, digits: usize) -> Option<u128> {
    let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if field.len() != digits || !field.bytes().all(lower_hex) {
        return None;
    }
    u128::from_str_radix(field, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_a_context_with_its_state() {
        let context = parse(
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            Some("vendor=a"),
        )
        .unwrap();
        assert_eq!(
            context.trace_id().to_string(),
            "0af7651916cd43dd8448eb211c80319c"
        );
        assert_eq!(context.span_id().to_string(), "b7ad6b7169203331");
        assert!(context.is_sampled() && context.is_remote());
        assert_eq!(context.trace_state().header(), "vendor=a");
    }

    #[test]
    fn refuses_what_the_specification_forbids() {
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(parse(bad, None).is_none(), "{bad}");
        }
        assert!(
            parse(
                "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
                None
            )
            .is_some()
        );
    }
}
