//! Google's own in-process fake of Cloud Pub/Sub (Go package `pstest`) behind a port.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{broker::Broker, http::Http};
use harness::{launch::Launch, ports::Port, process::Process};

/// It is up at once.
const READY: Duration = Duration::from_secs(30);

/// One question.
const CALL: Duration = Duration::from_secs(10);

/// An emulator that loses everything when it ends.
#[derive(Debug)]
pub struct PubSubEmulator {
    program: PathBuf,
    folder: PathBuf,
    grpc: Port,
    http_port: Port,
    http: Http,
    process: Option<Process>,
}

impl PubSubEmulator {
    /// Reserves the ports; nothing runs yet.
    pub fn new(program: PathBuf, folder: PathBuf) -> Result<Self> {
        Ok(Self {
            program,
            folder,
            grpc: Port::reserve()?,
            http_port: Port::reserve()?,
            http: Http::new(),
            process: None,
        })
    }

    async fn messages(&self, topic: &str) -> Result<Vec<String>> {
        let url = format!("{}/messages?topic={topic}", self.http_port.url());
        let answer = self.http.get(&url, CALL).await?;
        ensure!(answer.status.is_success(), "GET {url}: {}", answer.status);
        answer.json()
    }
}

impl Broker for PubSubEmulator {
    async fn start(&mut self) -> Result<()> {
        fs::create_dir_all(&self.folder).context("cannot create the folder of the emulator")?;
        let log = self.folder.join("pubsub-emulator.log");
        let launch = Launch::new("pubsub-emulator", &self.program, log)
            .folder(&self.folder)
            .args(["-grpc".into(), self.grpc.address()])
            .args(["-http".into(), self.http_port.address()]);
        let process = Process::start(launch).await?;
        // It listens for HTTP only when it does for gRPC.
        process
            .ready(READY, async || {
                let messages = self.messages("none").await;
                messages.map(drop).map_err(|error| format!("{error:#}"))
            })
            .await?;
        self.process = Some(process);
        Ok(())
    }

    fn slot(&mut self) -> &mut Option<Process> {
        &mut self.process
    }

    fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    fn values(&self) -> Value {
        json!({"endpoint": self.grpc.address()})
    }

    /// Everything that was ever published, whether or not somebody has subscribed: the emulator forgets nothing.
    async fn read(&self, topic: &str) -> Result<Vec<String>> {
        self.messages(topic).await
    }
}
