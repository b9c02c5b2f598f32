//! One of the product's binaries, with the environment that its Deployment gives it.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::Path;

use anyhow::Result;
use harness::launch::Launch;
use harness::ports::Port;

use crate::container::Container;
use crate::site::Site;

/// A service that keeps its ports and its log file across restarts.
#[derive(Debug)]
pub struct Service {
    container: Container,
    app: Port,
    admin: Port,
}

impl Service {
    /// Starts the binary with `env`, to which only the listen addresses are added: the port `app`, and one for its admin server. The
    /// log is appended to.
    pub fn start(
        site: &Site,
        name: &str,
        program: &Path,
        env: &BTreeMap<String, String>,
        app: Port,
        log: &Path,
    ) -> Result<Self> {
        let admin = Port::reserve()?;
        let launch = Launch::new(name, program, log)
            .envs(env)
            .env("LISTEN_ADDR", app.address())
            .env("ADMIN_ADDR", admin.address());
        let container = Container::start(launch, site.kubelet.as_ref())?;
        Ok(Self {
            container,
            app,
            admin,
        })
    }

    /// Base URL of the service.
    pub fn url(&self) -> String {
        self.app.url()
    }

    /// Base URL of its admin server.
    pub fn admin_url(&self) -> String {
        self.admin.url()
    }
}

impl Deref for Service {
    type Target = Container;

    fn deref(&self) -> &Container {
        &self.container
    }
}
