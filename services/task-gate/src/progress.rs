//! What people read while it runs, and at the end. One stream for everything: Kubernetes shows the end of the log as the reason of
//! a failed Job, and two streams may arrive in another order.

use std::io::Write as _;
use std::time::{Duration, Instant};

/// Lines about a wait come no closer together than this.
const INTERVAL: Duration = Duration::from_secs(5);

/// Writes one line to standard output. Nobody reading is no reason to fail.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Writes one line to standard error: for input that cannot be used, and beside output that programs read.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Says how a wait goes: at once, and then now and again.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    last: Option<Instant>,
    quiet: bool,
}

impl Progress {
    /// Says nothing, ever.
    pub(crate) const fn quiet() -> Self {
        Self {
            last: None,
            quiet: true,
        }
    }

    /// Says `line`, unless something has been said lately.
    pub(crate) fn report(&mut self, line: impl FnOnce() -> String) {
        if !self.quiet && self.last.is_none_or(|last| last.elapsed() >= INTERVAL) {
            self.last = Some(Instant::now());
            say(&line());
        }
    }
}
