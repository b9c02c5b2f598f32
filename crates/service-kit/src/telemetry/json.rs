//! A JSON line: for machines.
//!
//! `tracing_subscriber`'s own keeps the fields of a span as JSON and parses it for each field that comes later and for each line.
//! Here they are kept as they will be printed.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes `{"timestamp":"...","level":"INFO","message":"...",<fields>,"span":{<fields>,"name":"..."},"target":"..."}`; without the
/// fields that are for OpenTelemetry alone (`otel.*`). Where no span is recorded, `"trace_id":"..."` stands in place of `span`.
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        writer.write_str(r#"{"timestamp":""#)?;
        SystemTime.format_time(&mut writer)?;
        write!(writer, r#"","level":"{}","#, metadata.level())?;
        context.format_fields(writer.by_ref(), event)?;
        let span = event.parent().and_then(|id| context.span(id));
        if let Some(span) = span.or_else(|| context.lookup_current()) {
            writer.write_str(r#""span":{"#)?;
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                writer.write_str(&fields.fields)?;
            }
            writer.write_str(r#""name":"#)?;
            string(&mut writer, span.name())?;
            writer.write_str("},")?;
        } else if let Some(trace) = dapr_pubsub::current_trace() {
            write!(writer, r#""trace_id":"{trace}","#)?;
        }
        writer.write_str(r#""target":"#)?;
        string(&mut writer, metadata.target())?;
        writer.write_str("}\n")
    }
}

/// Members of an object, each with a comma behind it, so that more can be added.
impl<'writer> FormatFields<'writer> for Json {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut members = Members {
            writer,
            result: Ok(()),
        };
        fields.record(&mut members);
        members.result
    }
}

struct Members<'writer> {
    writer: Writer<'writer>,
    result: fmt::Result,
}

impl Members<'_> {
    fn member(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let name = field.name();
        if self.result.is_err() || name.starts_with("otel.") {
            return;
        }
        self.result = string(&mut self.writer, name)
            .and_then(|()| self.writer.write_char(':'))
            .and_then(|()| value(&mut self.writer))
            .and_then(|()| self.writer.write_char(','));
    }
}

impl Visit for Members<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.member(field, |writer| {
            writer.write_char('"')?;
            write!(Escaped(&mut *writer), "{value:?}")?;
            writer.write_char('"')
        });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, |writer| string(writer, value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.member(field, |writer| write!(writer, "{value}"));
        } else {
            self.record_debug(field, &value);
        }
    }
}

fn string(writer: &mut Writer<'_>, text: &str) -> fmt::Result {
    writer.write_char('"')?;
    Escaped(&mut *writer).write_str(text)?;
    writer.write_char('"')
}

/// What stands between the quotation marks of a JSON string (RFC 8259, section 7).
struct Escaped<'a, 'writer>(&'a mut Writer<'writer>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(|it: char| it < ' ' || it == '"' || it == '\\') {
            self.0.write_str(&rest[..at])?;
            match rest.as_bytes()[at] {
                b'\n' => self.0.write_str("\\n")?,
                special @ (b'"' | b'\\') => write!(self.0, "\\{}", char::from(special))?,
                control => write!(self.0, "\\u{control:04x}")?,
            }
            rest = &rest[at + 1..];
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use serde_json::{Value, json};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::Json;
    use crate::telemetry::readable::tests::Output;

    fn logged(log: impl FnOnce()) -> Value {
        let _alone = crate::ONE_SUBSCRIBER.lock();
        let output = Output::default();
        let writer = output.clone();
        let layer = tracing_subscriber::fmt::layer()
            .fmt_fields(Json)
            .event_format(Json)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let mut line: Value = serde_json::from_str(&output.text()).unwrap();
        let time = line.as_object_mut().unwrap().remove("timestamp").unwrap();
        assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
        line
    }

    #[test]
    fn a_line_has_its_fields_and_those_of_its_span() {
        let line = logged(|| {
            let late = tracing::field::Empty;
            let span = tracing::info_span!("process", otel.kind = "consumer", id = 7, late = late);
            span.record("otel.status_code", "ERROR");
            span.record("late", "abc");
            span.in_scope(|| tracing::warn!(attempts = 2_u64, ok = true, share = 0.5, "done"));
        });
        assert_eq!(
            line,
            json!({
                "level": "WARN", "message": "done", "attempts": 2, "ok": true, "share": 0.5,
                "span": {"id": 7, "late": "abc", "name": "process"},
                "target": "service_kit::telemetry::json::tests",
            })
        );
    }

    #[test]
    fn a_line_in_no_span_names_the_trace_of_the_work() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let parent = format!("00-{trace}-b7ad6b7169203331-01").parse().unwrap();
        let headers = http::HeaderMap::from_iter([(
            http::header::HeaderName::from_static("traceparent"),
            parent,
        )]);
        let context = dapr_pubsub::remote_span_context(&headers);
        let line = logged(|| {
            let work = dapr_pubsub::in_trace(context, async { tracing::info!("done") });
            work.now_or_never().unwrap();
        });
        assert_eq!(line["trace_id"], trace);
    }

    #[test]
    fn any_text_is_a_json_string() {
        let text = "\"quoted\" \\ \n\t\u{1}\u{7f} é \u{2028} 🦀";
        let line = logged(|| {
            tracing::info!(text, shown = %text, not_a_number = f64::NAN, "{text}");
        });
        for field in ["text", "shown", "message"] {
            assert_eq!(line[field], text, "{field}");
        }
        assert_eq!(line["not_a_number"], "NaN");
        assert_eq!(line["span"], Value::Null);
    }
}
