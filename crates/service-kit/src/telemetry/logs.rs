//! Log lines: text for people, JSON for machines.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::Filter;
use tracing_subscriber::{EnvFilter, Layer, registry::LookupSpan};

use super::json::Json;
use super::output::Line;
use super::readable::Readable;

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One readable line, coloured only on a terminal.
    Text,
    /// One JSON object a line, the message and its fields at the top.
    Json,
}

/// Standard output is written by each line as it comes, not by a background thread: a line that has been handed over
/// survives the process, whatever kills it. Only lines that nobody reads wait (see [`Line`]).
pub(super) fn layer<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stdout().is_terminal())
        .with_writer(|| Line);
    match format {
        LogFormat::Text => layer.fmt_fields(Readable).boxed(),
        LogFormat::Json => layer.fmt_fields(Json).event_format(Json).boxed(),
    }
}

/// Which lines are written, and, where somebody records `spans`, in which of them they stand: in those that say which trace it is.
///
/// What the module `effect` of a service says is not about the service, it is what the service does: no filter switches it off.
pub(super) fn filter<S>(directives: &str, spans: bool) -> anyhow::Result<impl Filter<S> + use<S>>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let lines = EnvFilter::builder().parse(directives).with_context(|| {
        format!("RUST_LOG: `{directives}` is not a filter; write for example `info,task_api=debug`")
    })?;
    let always = filter_fn(move |metadata| {
        let kept = if metadata.is_span() {
            spans && metadata.fields().field("trace_id").is_some()
        } else {
            metadata.target().ends_with("::effect")
        };
        kept && *metadata.level() <= Level::INFO
    });
    let no_spans = filter_fn(|metadata| !metadata.is_span());
    let lines = lines.and(no_spans.with_max_level_hint(Level::TRACE));
    Ok(lines.or(always.with_max_level_hint(Level::INFO)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tracing_subscriber::layer::{Context, SubscriberExt as _};

    use super::*;

    /// Counts lines, and those that stand in a span.
    #[derive(Clone, Default)]
    struct Lines(Arc<[AtomicUsize; 2]>);

    impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Lines {
        fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
            self.0[0].fetch_add(1, Ordering::Relaxed);
            let spans = usize::from(context.event_span(event).is_some());
            self.0[1].fetch_add(spans, Ordering::Relaxed);
        }
    }

    /// Lines that are written, and those of them that stand in a span.
    fn shown(spans: bool) -> [usize; 2] {
        let _alone = crate::ONE_SUBSCRIBER.lock();
        let lines = Lines::default();
        let layer = lines.clone().with_filter(filter("warn", spans).unwrap());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = tracing::info_span!("request", trace_id = tracing::field::Empty);
            span.in_scope(|| {
                tracing::info!("not shown");
                tracing::warn!("shown");
                tracing::info!(target: "task_worker::effect", "shown");
                tracing::debug!(target: "task_worker::effect", "not shown");
            });
            assert!(tracing::info_span!("inner").is_disabled());
        });
        [0, 1].map(|it| lines.0[it].load(Ordering::Relaxed))
    }

    #[test]
    fn a_filter_switches_off_neither_spans_nor_effects() {
        assert_eq!(shown(true), [2, 2]);
    }

    #[test]
    fn no_span_is_made_that_nobody_records() {
        assert_eq!(shown(false), [2, 0]);
    }
}
