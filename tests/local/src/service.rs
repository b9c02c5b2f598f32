//! One of the product's binaries, with the environment that its Deployment gives it.

use std::{
    collections::BTreeMap,
    ops::Deref,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use harness::{launch::Launch, ports::Port};

use super::{container::Container, http::Http, site::Site};

/// A service that keeps its ports and its log file across restarts.
#[derive(Debug)]
pub struct Service {
    container: Container,
    ports: ServicePorts,
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
        site: &Site,
        name: &str,
        program: &Path,
        env: &BTreeMap<String, String>,
        ports: ServicePorts,
        log: PathBuf,
    ) -> Result<Self> {
        let launch = Launch::new(name, program, log)
            .envs(env)
            .env("LISTEN_ADDR", ports.app.address())
            .env("ADMIN_ADDR", ports.admin.address());
        Ok(Self {
            container: Container::start(launch, site.kubelet.as_ref()).await?,
            ports,
        })
    }

    /// Waits until `/readyz` answers 200. At the deadline the error carries the last body.
    pub async fn ready(&self, http: &Http, deadline: Duration) -> Result<()> {
        let url = format!("{}/readyz", self.admin_url());
        let probe = async || http.succeeds(&url).await;
        self.process().ready(deadline, probe).await
    }

    /// Base URL of the service.
    pub fn url(&self) -> String {
        self.ports.app.url()
    }

    /// Base URL of its admin server.
    pub fn admin_url(&self) -> String {
        self.ports.admin.url()
    }
}

impl Deref for Service {
    type Target = Container;

    fn deref(&self) -> &Container {
        &self.container
    }
}
