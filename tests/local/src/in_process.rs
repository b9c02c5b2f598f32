//! `task-worker` inside the harness, with an effect of the harness's own, behind a real sidecar.

use anyhow::{Context as _, Result};
use service_kit::shutdown::Shutdown;
use task_worker::{Config, Effect, Listeners};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::{App, Stack, StackOptions};

/// A stack whose worker runs in this process.
#[derive(Debug)]
pub struct InProcess {
    /// Everything else.
    pub stack: Stack,
    _worker: JoinSet<Result<()>>,
}

/// Starts the stack, then the worker with the environment that its Deployment gives it.
pub async fn start<E: Effect>(options: StackOptions, effect: E) -> Result<InProcess> {
    let events = TcpListener::bind("127.0.0.1:0").await?;
    let admin = TcpListener::bind("127.0.0.1:0").await?;
    let worker = App::External(events.local_addr()?.port());
    let stack = Stack::start(StackOptions { worker, ..options }).await?;

    let mut env = stack.worker().template().env.clone();
    env.extend(stack.worker().sidecar().app_env());
    let config: Config =
        crate::environment::parse(&env).context("the worker's environment in the chart")?;
    let shutdown = Shutdown::new(config.shutdown);
    let mut tasks = JoinSet::new();
    tasks.spawn(task_worker::run(
        config,
        Listeners { events, admin },
        effect,
        shutdown,
    ));
    Ok(InProcess {
        stack,
        _worker: tasks,
    })
}
