//! `task-probe`: runs once, says in one sentence whether the deployment works, and ends with 0 or 1.
//!
//! | check | proves |
//! |---|---|
//! | [`Check::Preflight`] | sidecar, broker, subscription, inbox: by canaries, without an effect |
//! | [`Check::Smoke`] | the API and everything behind it: by a task, with its effect |

pub mod client;
mod config;
mod deadline;
mod expected;
mod preflight;
mod receipts;
mod smoke;

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use service_kit::shutdown::{Shutdown, ShutdownArgs};

pub use config::{Check, Config};
pub use expected::Expected;

/// Nothing here needs to be drained: a probe that is told to end has no result.
pub const AT_ONCE: ShutdownArgs = ShutdownArgs {
    shutdown_delay: Duration::from_millis(1),
    shutdown_deadline: Duration::from_millis(1),
};

/// One call to the sidecar.
const CALL: Duration = Duration::from_secs(2);

/// Runs the check to its end.
///
/// # Errors
/// What is not as it should be, and where to look.
pub async fn run(config: Config, shutdown: Shutdown) -> anyhow::Result<()> {
    let sidecar = config.sidecar.client()?;
    let result = {
        let check = async {
            match config.check {
                Check::Preflight => preflight::run(&sidecar, &config).await,
                Check::Smoke => smoke::run(&sidecar, &config).await,
            }
        };
        tokio::select! {
            result = check => result,
            () = shutdown.draining() => Err(anyhow!("told to end before there was a result")),
        }
    };
    if config.end_sidecar
        && let Err(error) = sidecar.shutdown(CALL).await
    {
        tracing::warn!(%error, "the sidecar could not be told to end, so this pod does not end either");
    }
    let check = config.check.name();
    let proof = result.with_context(|| format!("{check} failed"))?;
    tracing::info!(check, "{check} passed: {proof}");
    Ok(())
}
