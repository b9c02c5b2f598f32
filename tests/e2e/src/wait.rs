//! Waiting for a condition that nothing announces.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Between two looks.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Looks until `look` finds nothing missing any more (`None`); it says what is missing otherwise.
///
/// # Errors
/// `what` was not reached by the deadline; the error ends with what was missing last.
pub async fn until(
    what: &str,
    deadline: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<String>>,
) -> Result<()> {
    let started = Instant::now();
    while let Some(missing) = look().await? {
        if started.elapsed() > deadline {
            bail!("{what}: not within {deadline:?}; {missing}");
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}
