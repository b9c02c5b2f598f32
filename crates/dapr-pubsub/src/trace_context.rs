//! W3C trace context: the two strings that travel, and OpenTelemetry's own type.
//!
//! Written out here because the propagators live in the OpenTelemetry SDK, and a library depends on
//! the API only. Format: <https://www.w3.org/TR/trace-context/#traceparent-header>.

use std::future::Future;

use http::{HeaderMap, HeaderValue};
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tonic::metadata::MetadataMap;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The name of the header, and of gRPC's metadata.
pub(crate) const TRACE_PARENT: &str = "traceparent";

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
        Self::of_context(span.context().span().span_context())
    }

    /// `None` for a context that is not valid.
    pub(crate) fn of_context(context: &SpanContext) -> Option<Self> {
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

    /// For a call that is part of it.
    pub(crate) fn write(&self, metadata: &mut MetadataMap) {
        if let Ok(parent) = self.parent.parse() {
            metadata.insert(TRACE_PARENT, parent);
        }
        if let Some(Ok(state)) = self.state.as_ref().map(|state| state.parse()) {
            metadata.insert("tracestate", state);
        }
    }
}

tokio::task_local! {
    /// The trace that the work in hand belongs to, by the word of whoever asked for it.
    static REMOTE: Option<SpanContext>;
}

/// Does `work` as a part of the trace that its request or its event came with, whether or not spans are recorded: what is published
/// meanwhile carries that trace on, and [`current_trace`] names it. As with spans, tasks that it starts are not part of it.
pub async fn in_trace<W: Future>(trace: Option<SpanContext>, work: W) -> W::Output {
    REMOTE.scope(trace, work).await
}

/// The trace that the work in hand belongs to, by [`in_trace`]: for log lines where no span is recorded.
pub fn current_trace() -> Option<TraceId> {
    with_remote(|remote| Some(remote.trace_id()))
}

/// What is made of the trace that the work in hand belongs to.
pub(crate) fn with_remote<T>(make: impl FnOnce(&SpanContext) -> Option<T>) -> Option<T> {
    let found = REMOTE.try_with(|remote| remote.as_ref().and_then(make));
    found.ok().flatten()
}

/// The span that a request says it belongs to; `None` where the headers `traceparent` and `tracestate`
/// hold no valid context, so that a new trace begins.
///
/// Stricter than the SDK's propagator where the specification is: of two `traceparent` headers none
/// counts, and all `tracestate` headers are one list. A list longer than 512 characters is cut.
pub fn remote_span_context(headers: &HeaderMap) -> Option<SpanContext> {
    let mut parents = headers.get_all("traceparent").iter();
    let (Some(parent), None) = (parents.next(), parents.next()) else {
        return None;
    };
    let states = headers.get_all("tracestate").iter();
    let states: Result<Vec<_>, _> = states.map(HeaderValue::to_str).collect();
    let state = states.map(|states| states.join(","));
    parse(parent.to_str().ok()?, state.ok().as_deref())
}

/// Reads what a publisher or the sidecar sent; `None` for anything that is not a valid context.
pub(crate) fn parse(parent: &str, state: Option<&str>) -> Option<SpanContext> {
    let mut fields = parent.trim_matches(BLANKS).split('-');
    let version = hex(fields.next()?, 2)?;
    let trace_id = hex(fields.next()?, 32)?;
    let span_id = hex(fields.next()?, 16)?;
    let flags = hex(fields.next()?, 2)?;
    // 0xff is forbidden; a later version may append fields, version 00 may not.
    if version == 0xff || (version == 0 && fields.next().is_some()) {
        return None;
    }
    let flags = TraceFlags::new(u8::try_from(flags).ok()?) & TraceFlags::SAMPLED;
    let state = state.and_then(trace_state).unwrap_or_default();
    let context = SpanContext::new(
        TraceId::from(trace_id),
        SpanId::from(u64::try_from(span_id).ok()?),
        flags,
        true,
        state,
    );
    context.is_valid().then_some(context)
}

/// What may stand around a value and around the members of a list (OWS of RFC 9110).
const BLANKS: [char; 2] = [' ', '\t'];

/// A list of more members is invalid, and so is all of it.
const MEMBERS: usize = 32;

/// The characters that everybody has to take. What is longer is cut: it becomes metadata of an event,
/// and the header of every delivery.
const CHARACTERS: usize = 512;

/// A member of more characters is the first to go.
const LARGE: usize = 128;

/// `None` for a list that is not valid as a whole: it is discarded, the trace goes on without it.
fn trace_state(list: &str) -> Option<TraceState> {
    let mut members = Vec::new();
    for member in list.split(',').map(|member| member.trim_matches(BLANKS)) {
        if member.is_empty() {
            continue;
        }
        let (key, value) = member.split_once('=')?;
        if key.is_empty() || !is_value(value) || members.len() == MEMBERS {
            return None;
        }
        members.push((key, value));
    }
    // The first one is the latest: whoever changes a member moves it to the front.
    let mut keys = Vec::with_capacity(members.len());
    members.retain(|(key, _)| {
        !keys.contains(key) && {
            keys.push(*key);
            true
        }
    });
    shorten(&mut members);
    TraceState::from_key_value(members).ok()
}

fn is_value(value: &str) -> bool {
    let printable = |byte: u8| (0x20..=0x7e).contains(&byte) && byte != b'=';
    !value.is_empty() && value.bytes().all(printable)
}

/// Whole members go until the list has at most 512 characters: large ones first, then from the end
/// (<https://www.w3.org/TR/trace-context/#tracestate-limits>).
fn shorten(members: &mut Vec<(&str, &str)>) {
    let length = |(key, value): &(&str, &str)| key.len() + value.len() + 1;
    // One comma less than members.
    while members
        .iter()
        .map(|member| length(member) + 1)
        .sum::<usize>()
        > CHARACTERS + 1
    {
        let large = members.iter().rposition(|member| length(member) > LARGE);
        members.remove(large.unwrap_or(members.len() - 1));
    }
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
    fn a_state_is_cut_by_whole_members() {
        let state = |list: &str| {
            let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            parse(parent, Some(list)).unwrap().trace_state().header()
        };
        let member =
            |key: &str, length: usize| format!("{key}={}", "x".repeat(length - key.len() - 1));
        let whole = [
            member("a", 128),
            member("b", 128),
            member("c", 128),
            member("d", 125),
        ]
        .join(",");
        assert_eq!((state(&whole).len(), state(&whole) == whole), (512, true));

        // The large one goes first, wherever it stands; then the last.
        let large = member("large", 200);
        assert_eq!(state(&format!("{large},{whole}")), whole);
        assert_eq!(state(&format!("{whole},e=1")), whole);
        let long = [member("k", 256 + 2), member("l", 200), member("m", 200)].join(",");
        assert_eq!(state(&long), [member("k", 258), member("l", 200)].join(","));
        assert_eq!(
            state(&format!("{},a=1", "x,".repeat(9000))),
            "",
            "no list at all"
        );
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
