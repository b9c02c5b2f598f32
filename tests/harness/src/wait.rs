//! Waiting for a condition that nothing announces.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Between two looks.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Of all the time, waiting looks for at most a fifth: a look may be a process that takes the processor from what is waited for.
const REST: u32 = 4;

/// Looks until `look` finds nothing missing any more (`None`); it says what is missing otherwise, and so does the error at the deadline.
pub async fn until(
    what: &str,
    deadline: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<String>>,
) -> Result<()> {
    let started = Instant::now();
    loop {
        let looked = Instant::now();
        let Some(missing) = look().await? else {
            return Ok(());
        };
        if started.elapsed() > deadline {
            bail!("{what}: not within {deadline:?}; {missing}");
        }
        tokio::time::sleep((looked.elapsed() * REST).max(LOOK_AGAIN)).await;
    }
}
