//! What runs beside the stack to be measured: further instances of `task-api`, and the tutorial's publisher.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use harness::{Launch, Port, Process, Toolbox, workspace};
use local_stack::Stack;
use tokio::time::sleep;

use super::http;

const READY: Duration = Duration::from_mins(1);

/// Between two looks at whether a program is ready: its start is measured.
const LOOK: Duration = Duration::from_millis(1);

/// A program that serves, until this is dropped.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) url: String,
    /// From its start to the first time that it was ready.
    pub(super) start: Duration,
    pub(super) process: Process,
    _ports: [Port; 2],
}

impl Program {
    /// One more `task-api` with the environment of the stack's, but for this.
    pub(super) async fn task_api(stack: &Stack, box_: &Toolbox, env: (&str, &str)) -> Result<Self> {
        let ports = [Port::reserve()?, Port::reserve()?];
        let mut launch = launch(stack, "another task-api", &box_.services.join("task-api"));
        launch
            .command
            .env("LISTEN_ADDR", ports[0].address())
            .env("ADMIN_ADDR", ports[1].address())
            .envs([env]);
        let ready = (ports[1].address(), "/readyz");
        Self::start(launch, ports, ready).await
    }

    /// The tutorial's publisher, as its image starts it, beside the publisher's sidecar.
    pub(super) async fn fastapi(stack: &Stack, python: &Path, pubsub: &str) -> Result<Self> {
        let ports = [Port::reserve()?, Port::reserve()?];
        let port = ports[0].number.to_string();
        let mut launch = launch(stack, "FastAPI", python);
        launch
            .command
            .args(["-m", "uvicorn", "main:app", "--host", "127.0.0.1", "--port"])
            .arg(port)
            .current_dir(workspace().join("docs/examples/python/task-api"))
            .envs([("PYTHONDONTWRITEBYTECODE", "1"), ("PUBSUB_NAME", pubsub)]);
        let ready = (ports[0].address(), "/openapi.json");
        Self::start(launch, ports, ready).await
    }

    async fn start(mut launch: Launch, ports: [Port; 2], ready: (String, &str)) -> Result<Self> {
        let started = Instant::now();
        let process = Process::start(&mut launch)?;
        while !http::answers(&ready.0, ready.1).await {
            process.runs()?;
            let (name, log) = (&process.name, process.log.display());
            let late = || format!("{name} is not ready after {READY:?}; its log: {log}");
            ensure!(started.elapsed() < READY, late());
            sleep(LOOK).await;
        }
        let (url, start) = (ports[0].url(), started.elapsed());
        Ok(Self {
            url,
            start,
            process,
            _ports: ports,
        })
    }
}

/// With the environment of the stack's `task-api`.
fn launch(stack: &Stack, name: &str, program: &Path) -> Launch {
    let log = stack.log("task-api").with_file_name(format!("{name}.log"));
    let api = &stack.api;
    let mut launch = Launch::new(name, program, &log);
    let command = launch.command.envs(&api.template.env);
    command.envs(api.sidecar.app_env());
    launch
}
