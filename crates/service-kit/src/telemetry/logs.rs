//! Log lines: text for people, JSON for machines.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing::Subscriber;
use tracing_subscriber::{EnvFilter, Layer, registry::LookupSpan};

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
/// survives the process, whatever kills it.
pub(super) fn layer<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let layer = tracing_subscriber::fmt::layer().with_ansi(std::io::stdout().is_terminal());
    match format {
        LogFormat::Text => layer.fmt_fields(Readable).boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    }
}

pub(super) fn filter(directives: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::builder().parse(directives).with_context(|| {
        format!("RUST_LOG: `{directives}` is not a filter; write for example `info,task_api=debug`")
    })
}
