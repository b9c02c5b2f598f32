//! How often something is sent, which may be changed while it runs.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::config::per_second;

/// Between two looks at the file.
const LOOK: Duration = Duration::from_millis(500);

/// Ticks, so many a second.
#[derive(Debug)]
pub(super) struct Rate {
    per_second: u32,
    file: Option<PathBuf>,
    said: String,
    looked: Instant,
    ticks: Interval,
}

impl Rate {
    pub(super) fn new(per_second: u32, file: Option<PathBuf>) -> Self {
        let mut this = Self {
            per_second,
            file,
            said: String::new(),
            looked: Instant::now(),
            ticks: ticks(per_second),
        };
        this.look();
        this
    }

    /// Whether there may be one more, with so many under way: a second's worth. At a rate that the API does not reach, requests would
    /// otherwise pile up until they are refused, and say nothing but that.
    pub(super) fn allows(&self, under_way: usize) -> bool {
        under_way < self.per_second as usize
    }

    /// The next time to send. Nothing is lost when this future is dropped.
    pub(super) async fn tick(&mut self) {
        self.ticks.tick().await;
        if self.looked.elapsed() >= LOOK {
            self.look();
        }
    }

    fn look(&mut self) {
        self.looked = Instant::now();
        let Some(file) = &self.file else { return };
        let said = match std::fs::read_to_string(file) {
            Ok(said) => said,
            Err(error) => error.to_string(),
        };
        if said == self.said {
            return;
        }
        match per_second(said.trim()) {
            Ok(per_second) if per_second == self.per_second => {}
            Ok(per_second) => {
                tracing::info!(per_second, "the rate has changed");
                self.per_second = per_second;
                self.ticks = ticks(per_second);
            }
            Err(error) => {
                let (file, kept) = (file.display(), self.per_second);
                tracing::warn!(%file, said, error, kept, "this is no rate");
            }
        }
        self.said = said;
    }
}

fn ticks(per_second: u32) -> Interval {
    let mut ticks = interval(Duration::from_secs(1) / per_second);
    // An open loop: what could not be sent in time is sent at once, not left out, however slow the answers are.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_file_is_followed_and_nonsense_is_not() {
        let name = format!("rate-{}", uuid::Uuid::new_v4());
        let file = std::env::temp_dir().join(name);
        let mut rate = Rate::new(100, Some(file.clone()));
        let mut in_ten_seconds = async || {
            let end = Instant::now() + Duration::from_secs(10);
            let mut ticks = 0_u32;
            while tokio::time::timeout_at(end, rate.tick()).await.is_ok() {
                ticks += 1;
            }
            ticks
        };
        assert!((990..=1010).contains(&in_ten_seconds().await), "no file");
        for (said, least, most) in [
            ("10\n", 95, 155),
            ("0", 95, 105),
            ("", 95, 105),
            ("200", 1850, 2010),
        ] {
            std::fs::write(&file, said).unwrap();
            let ticks = in_ten_seconds().await;
            assert!((least..=most).contains(&ticks), "{said:?}: {ticks}");
        }
        assert!(rate.allows(199) && !rate.allows(200));
        std::fs::remove_file(&file).unwrap();
    }
}
