//! A broker of the stack: a process that can be stopped, killed and started again with its data and its ports, and a way to look into
//! it past Dapr. What differs between brokers is in their [`declarations`].

mod declarations;
mod topic;

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::launch::Launch;
use harness::ports::Port;
use harness::process::{Ended, Process};
use harness::toolbox::Toolbox;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::Http;
use topic::Reader;

/// A second for most, ten for Kafka on two idle cores; the rest is for busy ones.
const READY: Duration = Duration::from_mins(2);

/// How long a broker may take to write what it has and end.
const STOP: Duration = Duration::from_secs(20);

/// The topics of the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// Where events are published.
    pub events: String,
    /// Where those go that nobody could handle.
    pub dead_letters: String,
}

/// What a broker is started with, and what the chart and the tests must know of it.
#[derive(Debug)]
struct Declaration {
    /// What is started, in a folder of the broker's own.
    launch: Launch,
    /// Files in that folder, written where they are not there yet.
    files: Vec<(&'static str, String)>,
    /// How it tells that it serves.
    ready: Ready,
    /// What its entry of `brokers` says differently than the chart.
    values: Value,
    /// The Secrets that the entry refers to: a map of keys and values by name.
    secrets: Value,
    /// How what a topic has stored is read.
    reader: Reader,
    /// Reserved for it, running or not.
    _ports: Vec<Port>,
}

/// What there is when a broker serves.
#[derive(Debug, Clone, Copy)]
enum Ready {
    /// This text in its log, from its last start on.
    Log(&'static str),
    /// Somebody who listens on this port.
    Port(u16),
}

/// A broker that keeps its ports and its data across restarts.
#[derive(Debug)]
pub struct BrokerProcess {
    declaration: Declaration,
    process: Option<Process>,
}

impl BrokerProcess {
    /// The broker of an entry of `brokers`, with its data below `folder`; `None` when the toolbox lacks its programs. Nothing runs yet.
    pub(crate) fn new(entry: &str, toolbox: &Toolbox, folder: &Path) -> Result<Option<Self>> {
        let declared = declarations::declare(entry, toolbox, &folder.join(entry))?;
        Ok(declared.map(|declaration| Self {
            declaration,
            process: None,
        }))
    }

    /// The running process.
    pub fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    /// What its entry of `brokers` says differently than the chart; valid also while it is down.
    pub fn values(&self) -> &Value {
        &self.declaration.values
    }

    /// The Secrets that the entry refers to.
    pub(crate) fn secrets(&self) -> &Value {
        &self.declaration.secrets
    }

    /// Starts it with the data that it has, and waits until it serves.
    pub async fn start(&mut self) -> Result<()> {
        let Declaration {
            launch,
            files,
            ready,
            ..
        } = &self.declaration;
        let folder = launch.log.parent().context("a log without a folder")?;
        for (name, text) in files {
            let file = folder.join(name);
            if !file.exists() {
                fs::create_dir_all(file.parent().unwrap_or(folder))
                    .and_then(|()| fs::write(&file, text))
                    .with_context(|| format!("cannot write {}", file.display()))?;
            }
        }
        fs::create_dir_all(folder)?;
        let before = fs::metadata(&launch.log).map_or(0, |log| log.len());
        let process = Process::start(launch.clone()).await?;
        let serves = async || match ready {
            Ready::Log(text) => match since(process.log(), before) {
                Ok(log) if log.contains(text) => Ok(()),
                Ok(_) => Err(format!("its log does not say `{text}`")),
                Err(error) => Err(error.to_string()),
            },
            Ready::Port(port) => match TcpStream::connect(("127.0.0.1", *port)).await {
                Ok(_) => Ok(()),
                Err(error) => Err(format!("nobody listens on its port {port}: {error}")),
            },
        };
        process.ready(READY, serves).await?;
        self.process = Some(process);
        Ok(())
    }

    /// Makes what the chart's README asks for beforehand, once it runs.
    pub(crate) async fn prepare(&self, topics: &Topics) -> Result<()> {
        let topics = [&*topics.events, &*topics.dead_letters];
        self.declaration.reader.prepare(&topics).await
    }

    /// Everything that is stored in `topic`, as text in which event ids can be looked for; empty when there is nothing.
    pub async fn read(&self, http: &Http, topic: &str) -> Result<String> {
        self.declaration.reader.read(http, topic).await
    }

    /// Stops it in order (SIGTERM).
    pub async fn stop(&mut self) -> Result<Option<Ended>> {
        match self.process.take() {
            Some(process) => process.terminate(STOP).await.map(Some),
            None => Ok(None),
        }
    }

    /// Kills it (SIGKILL).
    pub async fn kill(&mut self) -> Result<()> {
        match self.process.take() {
            Some(process) => process.kill().await.map(drop),
            None => Ok(()),
        }
    }

    /// Stops it in order and starts it again on the same ports.
    pub async fn restart(&mut self) -> Result<()> {
        self.stop().await?;
        self.start().await
    }
}

/// What a log has got since it was so long.
fn since(log: &Path, offset: u64) -> std::io::Result<String> {
    let mut file = fs::File::open(log)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
