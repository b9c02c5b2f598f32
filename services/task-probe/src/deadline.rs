//! One end for everything that a check waits for.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// A moment by which everything has to be proven.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) limit: Duration,
    end: Instant,
}

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Self {
        let end = Instant::now() + limit;
        Self { limit, end }
    }

    /// `longest`, or what is left, if that is less.
    pub(crate) fn at_most(&self, longest: Duration) -> Duration {
        longest.min(self.end.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }

    /// Rests before the next look. False when there is no time for another one.
    pub(crate) async fn pause(&self, pause: Duration) -> bool {
        if self.is_over() {
            return false;
        }
        sleep(self.at_most(pause)).await;
        !self.is_over()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_end_with_the_deadline() {
        let deadline = Deadline::after(Duration::from_secs(5));
        assert!(deadline.pause(Duration::from_secs(3)).await);
        assert_eq!(deadline.at_most(Duration::from_secs(9)).as_secs(), 2);
        assert!(!deadline.pause(Duration::from_secs(3)).await);
        assert_eq!(deadline.at_most(Duration::from_secs(9)), Duration::ZERO);
        assert!(!deadline.pause(Duration::from_secs(3)).await);
    }
}
