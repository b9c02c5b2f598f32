//! `task-worker` inside the harness, with an effect of the harness's own, behind a real sidecar.

use anyhow::{Context as _, Result};
use service_kit::shutdown::Shutdown;
use task_worker::{Config, Effect, Listeners};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::{App, Stack};

/// A worker that runs in this process, until it is dropped.
#[derive(Debug)]
pub struct HostedWorker {
    _tasks: JoinSet<Result<()>>,
}

impl HostedWorker {
    /// Rolls the stack's worker to it, with the environment that its Deployment gives it.
    pub async fn replace<E: Effect>(stack: &mut Stack, effect: E) -> Result<Self> {
        let events = TcpListener::bind("127.0.0.1:0").await?;
        let admin = TcpListener::bind("127.0.0.1:0").await?;
        let port = events.local_addr()?.port();
        stack.roll_worker_to(App::External(port)).await?;

        let mut env = stack.worker.template.env.clone();
        env.extend(stack.worker.sidecar.app_env());
        let config: Config = crate::environment::parse(&[], &env)
            .context("the worker's environment in the chart")?;
        let shutdown = Shutdown::new(config.shutdown);
        let mut tasks = JoinSet::new();
        let listeners = Listeners { events, admin };
        tasks.spawn(task_worker::run(config, listeners, effect, shutdown));
        Ok(Self { _tasks: tasks })
    }
}
