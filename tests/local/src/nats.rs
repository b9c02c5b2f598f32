//! A real NATS server with JetStream, whose clients need a token.

mod client;

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    broker::{Broker, Topics},
    site::token,
};
use client::Client;
use harness::{launch::Launch, ports::Port, process::Process};

/// It is up in a fraction of a second.
const READY: Duration = Duration::from_secs(30);

/// Name of the Secret with the token.
const SECRET: &str = "nats-token";

/// A server that keeps its port and its data across restarts.
#[derive(Debug)]
pub struct Nats {
    program: PathBuf,
    folder: PathBuf,
    port: Port,
    token: String,
    process: Option<Process>,
}

impl Nats {
    /// Reserves the port; nothing runs yet.
    pub fn new(program: PathBuf, folder: PathBuf) -> Result<Self> {
        Ok(Self {
            program,
            folder,
            port: Port::reserve()?,
            token: token(),
            process: None,
        })
    }

    /// `always`: what was acknowledged is on the disk, so that SIGKILL loses nothing.
    fn configuration(&self) -> String {
        let (address, token) = (self.port.address(), &self.token);
        let data = self.folder.join("data");
        let data = data.display();
        format!(
            "listen: \"{address}\"\n\
             authorization {{ token: \"{token}\" }}\n\
             jetstream {{ store_dir: \"{data}\", sync_interval: always }}\n"
        )
    }

    async fn client(&self) -> Result<Client> {
        Client::connect(&self.port.address(), &self.token).await
    }

    /// The port opens before JetStream has read its streams.
    async fn serves(&self) -> Result<()> {
        self.client()
            .await?
            .ask("INFO", &Value::Null)
            .await
            .map(drop)
    }
}

impl Broker for Nats {
    async fn start(&mut self) -> Result<()> {
        let config = self.folder.join("nats.conf");
        fs::create_dir_all(&self.folder)
            .and_then(|()| fs::write(&config, self.configuration()))
            .context("cannot write the configuration of NATS")?;
        let launch = Launch::new("nats", &self.program, self.folder.join("nats.log"))
            .folder(&self.folder)
            .args(["--config".into(), config.into_os_string()]);
        let process = Process::start(launch).await?;
        process
            .ready(READY, async || {
                self.serves().await.map_err(|error| format!("{error:#}"))
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
        let url = format!("nats://{}", self.port.address());
        json!({"url": url, "authType": "token", "existingSecret": SECRET})
    }

    fn secrets(&self) -> Value {
        json!({SECRET: {"token": self.token}})
    }

    /// The streams, which Dapr does not make: one for the events, one for the dead letters.
    async fn prepare(&self, topics: &Topics) -> Result<()> {
        let mut client = self.client().await?;
        for (name, subject) in [
            ("tasks", &topics.events),
            ("dead-letters", &topics.dead_letters),
        ] {
            let stream = json!({"name": name, "subjects": [subject], "retention": "limits", "storage": "file"});
            client
                .ask(&format!("STREAM.CREATE.{name}"), &stream)
                .await?;
        }
        Ok(())
    }

    async fn read(&self, topic: &str) -> Result<Vec<String>> {
        let mut client = self.client().await?;
        let names = client
            .ask("STREAM.NAMES", &json!({"subject": topic}))
            .await?;
        let Some(stream) = names["streams"][0].as_str() else {
            return Ok(Vec::new());
        };
        let info = client
            .ask(&format!("STREAM.INFO.{stream}"), &Value::Null)
            .await?;
        let number = |name: &str| info["state"][name].as_u64().unwrap_or_default();
        let mut stored = Vec::new();
        // An empty stream begins and ends at zero, where no message is.
        for sequence in number("first_seq").max(1)..=number("last_seq") {
            let get = format!("STREAM.MSG.GET.{stream}");
            let message = client.ask(&get, &json!({"seq": sequence})).await?;
            let data = message["message"]["data"].as_str().unwrap_or_default();
            stored.push(String::from_utf8_lossy(&STANDARD.decode(data)?).into_owned());
        }
        Ok(stored)
    }
}
