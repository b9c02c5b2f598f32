//! The fields of a text line: for people, so without those that are meant for OpenTelemetry.

use std::fmt;

use tracing::Span;
use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// Writes `message name=value name=value`; leaves out `otel.*`. In no span `trace_id=<that of the work> ` stands before the message.
pub(super) struct Readable;

impl<'writer> FormatFields<'writer> for Readable {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut line = Line {
            writer,
            separator: "",
            result: Ok(()),
        };
        fields.record(&mut line);
        line.result
    }
}

struct Line<'writer> {
    writer: Writer<'writer>,
    separator: &'static str,
    result: fmt::Result,
}

impl Line<'_> {
    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if self.result.is_err() || field.name().starts_with("otel.") {
            return;
        }
        let separator = std::mem::replace(&mut self.separator, " ");
        self.result = match field.name() {
            "message" => write!(self.writer, "{separator}{Trace}{value}"),
            name => write!(self.writer, "{separator}{name}={value}"),
        };
    }
}

/// What stands before a message in no span. The message comes last, as whoever reads an effect's line takes what follows to its end.
struct Trace;

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match dapr_pubsub::current_trace().filter(|_| Span::current().is_disabled()) {
            Some(trace) => write!(f, "trace_id={trace} "),
            None => Ok(()),
        }
    }
}

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, format_args!("{value:?}"));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use futures_util::FutureExt as _;
    use http::{HeaderMap, HeaderName, HeaderValue};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    pub(in super::super) struct Output(Arc<Mutex<Vec<u8>>>);

    impl Output {
        pub(in super::super) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl io::Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(log: impl FnOnce()) -> String {
        let _alone = crate::ONE_SUBSCRIBER.lock();
        let output = Output::default();
        let writer = output.clone();
        let layer = tracing_subscriber::fmt::layer()
            .without_time()
            .with_ansi(false)
            .fmt_fields(Readable)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        output.text()
    }

    #[test]
    fn a_line_has_what_people_look_for() {
        let text = logged(|| {
            let span = tracing::info_span!("process", otel.kind = "consumer", trace_id = "abc");
            span.in_scope(|| tracing::info!(attempts = 2, "done"));
        });
        assert!(text.contains(r#"process{trace_id="abc"}"#), "{text}");
        assert!(text.trim_end().ends_with("done attempts=2"), "{text}");
    }

    #[test]
    fn a_line_in_no_span_names_the_trace_and_ends_with_its_message() {
        let parent =
            HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let headers = HeaderMap::from_iter([(HeaderName::from_static("traceparent"), parent)]);
        let trace = dapr_pubsub::remote_span_context(&headers);
        let text = logged(|| {
            let work =
                dapr_pubsub::in_trace(trace, async { tracing::info!("EVENT RECEIVED: {{}}") });
            work.now_or_never().unwrap();
        });
        let end = ": trace_id=0af7651916cd43dd8448eb211c80319c EVENT RECEIVED: {}";
        assert!(text.trim_end().ends_with(end), "{text}");
    }
}
