//! A process in a container's place: it keeps its command, its ports and its log across restarts, and the kubelet's part in that.

use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use harness::{Launch, Port, Process};
use http_body_util::Full;
use hyper::Request;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::Http;

/// Before a container is started again. The real kubelet's pauses are longer; what comes back must be ready for it in either case.
const PAUSE: Duration = Duration::from_secs(1);

/// One question whether it is ready.
const PROBE: Duration = Duration::from_secs(2);

/// What the kubelet has started again, a line each.
pub(crate) type Restarts = Arc<Mutex<Vec<String>>>;

#[derive(Debug)]
pub struct Container {
    shared: Arc<Shared>,
    /// What it listens on: a service for requests and on its admin port, a sidecar as its arguments say.
    pub ports: Vec<Port>,
    _watch: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    /// Locked while the process changes.
    life: tokio::sync::Mutex<Life>,
    current: watch::Sender<Arc<Process>>,
}

#[derive(Debug)]
struct Life {
    launch: Launch,
    /// Ended by the harness: then it stays so until the harness starts it.
    held: bool,
}

impl Container {
    /// Starts it. Where there is a kubelet, it starts it again, and enters that into its list; otherwise nobody but the harness does.
    pub fn start(mut launch: Launch, ports: Vec<Port>, kubelet: Option<&Restarts>) -> Result<Self> {
        let process = Process::start(&mut launch)?;
        let held = false;
        let shared = Arc::new(Shared {
            life: tokio::sync::Mutex::new(Life { launch, held }),
            current: watch::Sender::new(Arc::new(process)),
        });
        let watch = kubelet.map(|it| keep(Arc::clone(&shared), Arc::clone(it)));
        Ok(Self {
            shared,
            ports,
            _watch: JoinSet::from_iter(watch),
        })
    }

    /// Base URL of its first port: a service's API, or a sidecar's by HTTP.
    pub fn url(&self) -> String {
        self.ports[0].url()
    }

    pub fn admin_url(&self) -> String {
        self.ports[1].url()
    }

    pub fn process(&self) -> Arc<Process> {
        Arc::clone(&self.shared.current.borrow())
    }

    /// Waits until `GET url` is answered 2xx. At the deadline the error carries the last answer.
    pub async fn ready(&self, http: &Http, url: &str, deadline: Duration) -> Result<()> {
        let probe = async || {
            let request = Request::get(url).body(Full::default())?;
            let answer = http.send(request, PROBE).await?;
            let (status, text) = (answer.status, answer.text());
            ensure!(status.is_success(), "GET {url}: {status} {text}");
            Ok(())
        };
        self.process().ready(deadline, probe).await
    }

    /// Kills it and starts it again on the same ports. Does not wait until it is ready.
    pub async fn restart(&self) -> Result<()> {
        self.kill().await?;
        let mut life = self.shared.life.lock().await;
        let process = Process::start(&mut life.launch)?;
        self.shared.current.send_replace(Arc::new(process));
        life.held = false;
        Ok(())
    }

    /// SIGKILL; it stays away until [`Container::restart`].
    pub async fn kill(&self) -> Result<()> {
        self.hold().await.kill().await.map(drop)
    }

    /// SIGTERM, and SIGKILL at the deadline; it stays away until [`Container::restart`].
    pub async fn terminate(&self, deadline: Duration) -> Result<Option<ExitStatus>> {
        self.hold().await.terminate(deadline).await
    }

    async fn hold(&self) -> Arc<Process> {
        self.shared.life.lock().await.held = true;
        self.process()
    }
}

impl Drop for Container {
    /// The watch holds the process, too, and ends only when the runtime comes to it.
    fn drop(&mut self) {
        self.process().kill_at_once();
    }
}

/// Starts the container again whenever it has ended and the harness has not ended it.
async fn keep(shared: Arc<Shared>, restarts: Restarts) {
    let mut current = shared.current.subscribe();
    loop {
        let process = Arc::clone(&current.borrow_and_update());
        let Ok(status) = process.wait().await else {
            return;
        };
        sleep(PAUSE).await;
        let mut life = shared.life.lock().await;
        // While that was awaited the harness may have begun the next life, or may want this one to have been the last.
        if life.held || !Arc::ptr_eq(&process, &shared.current.borrow()) {
            drop(life);
            if current.changed().await.is_err() {
                return;
            }
            continue;
        }
        let name = &process.name;
        let again = match Process::start(&mut life.launch) {
            Ok(process) => {
                shared.current.send_replace(Arc::new(process));
                "was started again".to_owned()
            }
            Err(error) => format!("cannot be started again: {error:#}"),
        };
        let mut restarts = restarts.lock().unwrap_or_else(PoisonError::into_inner);
        restarts.push(format!("{name} ended ({status}) and {again}"));
    }
}
