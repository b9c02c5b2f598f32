//! A sidecar and its app, started and ended as the kubelet does it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use harness::{Deployment, Launch, Port, Process};

use crate::{Container, Http, Sidecar, Site};

/// What is left for a native sidecar when the app has used up the whole grace period.
const LEAST_GRACE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) enum App {
    Program(Program),
    /// Something of the caller's that listens on this port of 127.0.0.1; the harness starts only the sidecar.
    External(u16),
}

/// What stands for the image of an app.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// In the place of the command's first word.
    pub(crate) words: Vec<PathBuf>,
    pub(crate) folder: PathBuf,
}

/// A pod: its app, and beside it a sidecar.
#[derive(Debug)]
pub struct Pod {
    /// `<app>-<number>`.
    pub name: String,
    /// What it was made from.
    pub template: Deployment,
    // Dropped in this order: an app that loses its sidecar first would fill its log with complaints.
    service: Option<Container>,
    /// Its daprd.
    pub sidecar: Sidecar,
}

/// How long an app took to end, and whether it did so well, and it and its sidecar by themselves.
#[derive(Debug)]
pub struct PodEnd {
    pub after: Duration,
    pub is_clean: bool,
}

impl Pod {
    /// Starts both; [`Pod::ready`] waits for them. All pods of one app share a log file, so that it tells the whole story.
    pub(crate) fn start(site: &Site, template: Deployment, app: &App) -> Result<Self> {
        let app_id = template.annotation("app-id");
        let app_id = app_id.context("no dapr.io/app-id")?;
        let name = site.pod_name(app_id);
        let sidecar = |port| Sidecar::start(site, &template, &name, Some(port));
        let (sidecar, service) = match app {
            App::External(port) => (sidecar(*port)?, None),
            App::Program(program) => {
                let port = Port::reserve()?;
                let sidecar = sidecar(port.number)?;
                let log = site.folder.path.join(format!("{app_id}.log"));
                let (admin, number) = (Port::reserve()?, port.number.to_string());
                let mut launch = Launch::new(&name, &program.words[0], &log);
                let command = launch.command.current_dir(&program.folder);
                command.args(&program.words[1..]);
                command.args(template.args_with_port(&number));
                command.envs(environment(site, &name, &template, &sidecar));
                // To what its Deployment gives it only where it listens is added.
                command.env("LISTEN_ADDR", port.address());
                command.env("ADMIN_ADDR", admin.address());
                command.env("APP_PORT", number);
                let kubelet = site.kubelet.as_ref();
                let service = Container::start(launch, vec![port, admin], kubelet)?;
                (sidecar, Some(service))
            }
        };
        Ok(Self {
            name,
            template,
            service,
            sidecar,
        })
    }

    /// Waits until the sidecar serves and the app says that it is ready.
    pub async fn ready(&self, http: &Http, deadline: Duration) -> Result<()> {
        self.sidecar.serves(http).await?;
        let Some(service) = &self.service else {
            return Ok(());
        };
        let ready = if self.template.env.contains_key("ADMIN_ADDR") {
            format!("{}/readyz", service.admin_url())
        } else {
            // Of a program that is not ours the sidecar knows that it listens.
            format!("{}/v1.0/healthz", self.sidecar.url())
        };
        service.ready(http, &ready, deadline).await
    }

    /// SIGTERM to the app and, when that is gone, to the sidecar (native sidecar), or to both at once; SIGKILL when
    /// the grace period of the Deployment is over.
    pub async fn terminate(self) -> Result<PodEnd> {
        let (start, grace) = (Instant::now(), self.template.grace);
        let service = async {
            let mut is_clean = true;
            if let Some(service) = &self.service {
                let status = service.terminate(grace).await?;
                is_clean = status.is_some_and(|it| it.success());
            }
            let after = start.elapsed();
            anyhow::Ok(PodEnd { after, is_clean })
        };
        let (mut ended, sidecar) = if self.template.has_native_sidecar() {
            let service = service.await?;
            let left = grace.saturating_sub(start.elapsed()).max(LEAST_GRACE);
            (service, self.sidecar.terminate(left).await?)
        } else {
            tokio::try_join!(service, self.sidecar.terminate(grace))?
        };
        ended.is_clean &= sidecar.is_some();
        Ok(ended)
    }

    /// The app; an error when it is the caller's.
    pub fn service(&self) -> Result<&Container> {
        self.service
            .as_ref()
            .with_context(|| format!("the app of {} is not the harness's", self.name))
    }

    /// The app's, if it is one of ours, and the sidecar's.
    pub fn processes(&self) -> impl Iterator<Item = Arc<Process>> {
        let service = self.service.as_ref().map(Container::process);
        service.into_iter().chain([self.sidecar.process()])
    }
}

/// What the kubelet and the injector would give the container.
pub(super) fn environment(
    site: &Site,
    name: &str,
    template: &Deployment,
    sidecar: &Sidecar,
) -> BTreeMap<String, String> {
    let mut env = template.env.clone();
    env.extend(sidecar.app_env());
    for name in &template.env_from {
        let value = match name.as_str() {
            "DAPR_API_TOKEN" => &site.dapr_api_token,
            "APP_API_TOKEN" => &site.app_api_token,
            _ => continue,
        };
        env.insert(name.clone(), value.to_owned());
    }
    // The pod's emptyDir: it survives its containers, and no other pod sees it.
    if let Some(journal) = env.get_mut("EFFECT_JOURNAL") {
        let file = journal_of(&site.folder.path, name);
        *journal = file.to_string_lossy().into_owned();
    }
    env
}

/// Where the effect journal of a pod is, if it keeps one.
pub(crate) fn journal_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.effects"))
}
