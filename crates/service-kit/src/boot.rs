//! Process start and end: what happens around a service's own `run`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::time::timeout;

use crate::config::{self, Check};
use crate::service::{Listeners, ServiceArgs};
use crate::shutdown::{Shutdown, ShutdownArgs, Signals};
use crate::telemetry::{self, Telemetry, TelemetryArgs};

/// Telemetry that could not be sent by then is given up.
const FLUSH_DEADLINE: Duration = Duration::from_secs(3);

/// The whole of a service's `main`: reads its configuration, boots, binds its ports, and runs it to its end. `run` is the service.
///
/// Exit codes: those of [`config::parse`] and of [`run`](run()).
pub fn service<C>(
    name: &'static str,
    run: impl AsyncFnOnce(C, Listeners, Shutdown) -> anyhow::Result<()>,
) -> ExitCode
where
    C: Parser + Check + AsRef<ServiceArgs>,
{
    prepared(
        name,
        |_| Ok(()),
        async |config, listeners, (), shutdown| run(config, listeners, shutdown).await,
    )
}

/// The same for a service that needs something which its configuration names and which may not be usable, say a file. `prepare` is
/// called before anything else begins; its error is a refused configuration, with exit code 64.
pub fn prepared<C, P>(
    name: &'static str,
    prepare: impl FnOnce(&C) -> anyhow::Result<P>,
    service: impl AsyncFnOnce(C, Listeners, P, Shutdown) -> anyhow::Result<()>,
) -> ExitCode
where
    C: Parser + Check + AsRef<ServiceArgs>,
{
    let config: C = match config::parse() {
        Ok(config) => config,
        Err(code) => return code,
    };
    let prepared = match prepare(&config) {
        Ok(prepared) => prepared,
        Err(error) => return config::refuse(&format!("{error:#}")),
    };
    let ServiceArgs {
        telemetry,
        shutdown: timing,
        ..
    } = config.as_ref().clone();
    run(name, &telemetry, timing, async |shutdown| {
        let listeners = Listeners::bind(config.as_ref())?;
        service(config, listeners, prepared, shutdown).await
    })
}

/// Runs a service to its end: signal handlers, telemetry, the service itself, flush.
///
/// `service` gets the [`Shutdown`] that SIGTERM and SIGINT begin. Exit codes: 0 when it ended as asked, 64 when telemetry is
/// configured wrongly, 1 when the service failed.
///
/// The runtime has worker threads even on one core: OpenTelemetry's shutdown blocks its thread until the exporter's
/// tasks, which run on this runtime, have finished. On a current-thread runtime both would wait for each other.
pub fn run<F>(
    name: &'static str,
    args: &TelemetryArgs,
    timing: ShutdownArgs,
    service: F,
) -> ExitCode
where
    F: AsyncFnOnce(Shutdown) -> anyhow::Result<()>,
{
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return fail(
                &format!("cannot start the runtime: {error}"),
                ExitCode::FAILURE,
            );
        }
    };
    let guard = runtime.enter();
    let telemetry = match Telemetry::install(name, args) {
        Ok(telemetry) => telemetry,
        Err(error) => {
            return fail(
                &format!("configuration refused: {error:#}"),
                config::EX_USAGE.into(),
            );
        }
    };
    drop(guard);

    let ended = runtime.block_on(async {
        let mut signals = Signals::install()?;
        let shutdown = Shutdown::new(timing);
        let service = service(shutdown.clone());
        tokio::pin!(service);
        let signal = tokio::select! {
            ended = &mut service => return ended,
            signal = signals.next() => signal,
        };
        tracing::info!(signal, delay = ?timing.shutdown_delay, deadline = ?timing.shutdown_deadline, "shutting down");
        let hurry = async {
            signals.next().await;
        };
        let (ended, ()) = tokio::join!(service, shutdown.begin(hurry));
        ended
    });
    let code = match ended {
        Ok(()) => {
            tracing::info!("ended");
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "failed");
            ExitCode::FAILURE
        }
    };
    telemetry.flush(FLUSH_DEADLINE);
    let _ = runtime.block_on(async { timeout(FLUSH_DEADLINE, telemetry::written()).await });
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}

fn fail(message: &str, code: ExitCode) -> ExitCode {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{message}");
    code
}
