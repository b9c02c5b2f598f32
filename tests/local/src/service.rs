//! One of the product's binaries, with the environment that its Deployment gives it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;

use super::{
    container::{Container, Kubelet},
    http::Http,
};
use harness::{
    launch::Launch,
    ports::Port,
    process::{Ended, Process},
};

/// One question to the admin server.
const ASK: Duration = Duration::from_secs(2);

/// A service that keeps its ports and its log file across restarts.
#[derive(Debug)]
pub struct Service {
    container: Container,
    ports: ServicePorts,
    last_not_ready: Mutex<Option<String>>,
}

/// The two ports of a service, reserved before its sidecar starts.
#[derive(Debug)]
pub struct ServicePorts {
    pub(super) app: Port,
    pub(super) admin: Port,
}

impl ServicePorts {
    pub(super) fn reserve() -> Result<Self> {
        Ok(Self {
            app: Port::reserve()?,
            admin: Port::reserve()?,
        })
    }
}

impl Service {
    /// Starts the binary with `env`, to which only the listen addresses are added. The log is appended to.
    pub async fn start(
        name: &str,
        program: &Path,
        env: BTreeMap<String, String>,
        ports: ServicePorts,
        log: PathBuf,
        kubelet: Option<&Arc<Kubelet>>,
    ) -> Result<Self> {
        let launch = Launch::new(name, program, log)
            .envs(&env)
            .env("LISTEN_ADDR", ports.app.address())
            .env("ADMIN_ADDR", ports.admin.address());
        Ok(Self {
            container: Container::start(launch, kubelet).await?,
            ports,
            last_not_ready: Mutex::new(None),
        })
    }

    /// Waits until `/readyz` answers 200. At the deadline the error carries the last body.
    pub async fn ready(&self, http: &Http, deadline: Duration) -> Result<()> {
        let url = format!("{}/readyz", self.admin_url());
        let probe = async || {
            let reason = match http.get(&url, ASK).await {
                Ok(answer) if answer.status.is_success() => return Ok(()),
                Ok(answer) => format!("GET /readyz: {} {}", answer.status.as_u16(), answer.text()),
                Err(error) => format!("{error:#}"),
            };
            *self
                .last_not_ready
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(reason.clone());
            Err(reason)
        };
        self.process().ready(deadline, probe).await
    }

    /// What the last probe that found it not ready was told.
    pub fn last_not_ready(&self) -> Option<String> {
        self.last_not_ready
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Kills it and starts it again on the same ports, as the kubelet does with a container that died. Does not
    /// wait until it is ready.
    pub async fn restart(&self) -> Result<()> {
        self.container.restart().await
    }

    /// SIGKILL.
    pub async fn kill(&self) -> Result<()> {
        self.container.kill().await
    }

    /// SIGTERM, and SIGKILL at the deadline.
    pub async fn terminate(&self, deadline: Duration) -> Result<Ended> {
        self.container.terminate(deadline).await
    }

    /// Base URL of the service.
    pub fn url(&self) -> String {
        self.ports.app.url()
    }

    /// Base URL of its admin server.
    pub fn admin_url(&self) -> String {
        self.ports.admin.url()
    }

    /// The running process.
    pub fn process(&self) -> Arc<Process> {
        self.container.process()
    }
}
