//! The fields of a text line: for people, so without those that are meant for OpenTelemetry.

use std::fmt;

use tracing::Span;
use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// Writes `message name=value name=value`; leaves out `otel.*`. A line in no span ends with the `trace_id` of the work it is about.
pub(super) struct Readable;

impl<'writer> FormatFields<'writer> for Readable {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut line = Line {
            writer,
            separator: "",
            result: Ok(()),
            has_message: false,
        };
        fields.record(&mut line);
        line.result?;
        // Spans have none.
        if line.has_message
            && Span::current().is_disabled()
            && let Some(trace) = dapr_pubsub::current_trace()
        {
            write!(line.writer, " trace_id={trace}")?;
        }
        Ok(())
    }
}

struct Line<'writer> {
    writer: Writer<'writer>,
    separator: &'static str,
    result: fmt::Result,
    has_message: bool,
}

impl Line<'_> {
    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if self.result.is_err() || field.name().starts_with("otel.") {
            return;
        }
        let separator = std::mem::replace(&mut self.separator, " ");
        self.result = match field.name() {
            "message" => {
                self.has_message = true;
                write!(self.writer, "{separator}{value}")
            }
            name => write!(self.writer, "{separator}{name}={value}"),
        };
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

    #[test]
    fn a_line_has_what_people_look_for() {
        let _alone = crate::ONE_SUBSCRIBER.lock();
        let output = Output::default();
        let writer = output.clone();
        let layer = tracing_subscriber::fmt::layer()
            .without_time()
            .with_ansi(false)
            .fmt_fields(Readable)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = tracing::info_span!("process", otel.kind = "consumer", trace_id = "abc");
            span.in_scope(|| tracing::info!(attempts = 2, "done"));
        });
        let text = output.text();
        assert!(text.contains(r#"process{trace_id="abc"}"#), "{text}");
        assert!(text.trim_end().ends_with("done attempts=2"), "{text}");
    }
}
