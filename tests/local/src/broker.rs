//! A broker of the stack: a process that can be stopped, killed and started again with its data and its ports, and a way to look into
//! it past Dapr. What differs between brokers is in `brokers.yaml`.

mod topic;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::{Launch, Lines, Port, Process, Toolbox, chart::items, toolbox::BROKERS, workspace};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::net::TcpStream;

use crate::site::token;
pub(crate) use topic::{Reader, Readers};

/// A second for most, ten for Kafka on two idle cores; the rest is for busy ones.
const READY: Duration = Duration::from_mins(2);

/// How long a broker may take to write what it has and end.
const STOP: Duration = Duration::from_secs(20);

/// An entry of `brokers.yaml`, which says what the fields mean.
#[derive(Debug, Deserialize)]
pub(crate) struct Declaration {
    program: PathBuf,
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    ready: Option<String>,
    listens: Option<String>,
    /// Valid also while it is down.
    pub(crate) values: Value,
    #[serde(default)]
    pub(crate) secrets: Map<String, Value>,
    #[serde(rename = "read")]
    pub(crate) reader: Reader,
}

/// A broker that keeps its ports and its data across restarts.
#[derive(Debug)]
pub(crate) struct BrokerProcess {
    pub(crate) declaration: Declaration,
    launch: Launch,
    /// Reserved for it, running or not.
    _ports: Vec<Port>,
    pub(crate) process: Option<Process>,
}

impl BrokerProcess {
    /// The broker of an entry of `brokers`, with its data below `folder`; `None` when the toolbox lacks its programs. Nothing runs yet.
    pub(crate) fn new(entry: &str, toolbox: &Toolbox, folder: &Path) -> Result<Option<Self>> {
        let (folder, declared) = (folder.join(entry), &BROKERS[entry]);
        let mut text = declared.to_string();
        let mut replace = |name: &str, by: &str| text = text.replace(&format!("{{{name}}}"), by);
        for tool in items(&declared["tools"]).filter_map(Value::as_str) {
            let Some(path) = toolbox.programs.get(tool) else {
                return Ok(None);
            };
            replace(tool, &path.to_string_lossy());
        }
        replace("folder", &folder.to_string_lossy());
        let emulators = workspace().join("tests/local/emulators");
        replace("emulators", &emulators.to_string_lossy());
        replace("token", &token());
        let mut ports = Vec::new();
        for name in items(&declared["ports"]).filter_map(Value::as_str) {
            let port = Port::reserve()?;
            replace(name, &port.number.to_string());
            ports.push(port);
        }
        let declaration: Declaration =
            serde_json::from_str(&text).with_context(|| entry.to_owned())?;
        let log = folder.join(format!("{entry}.log"));
        let mut launch = Launch::new(entry, &declaration.program, &log);
        let command = launch.command.args(&declaration.args);
        command.envs(&declaration.env).current_dir(&folder);
        Ok(Some(Self {
            declaration,
            launch,
            _ports: ports,
            process: None,
        }))
    }

    /// Starts it with the data that it has, and waits until it serves.
    pub(crate) async fn start(&mut self) -> Result<()> {
        let (declared, log) = (&self.declaration, &self.launch.log);
        let folder = log.parent().context("a log without a folder")?;
        fs::create_dir_all(folder)?;
        for (name, text) in &declared.files {
            let file = folder.join(name);
            if !file.exists() {
                fs::create_dir_all(file.parent().unwrap_or(folder))
                    .and_then(|()| fs::write(&file, text))
                    .with_context(|| format!("cannot write {}", file.display()))?;
            }
        }
        // What it says from its last start on.
        let mut said = Lines::of(log);
        said.look(|_| ()).await?;
        let process = Process::start(&mut self.launch)?;
        let mut says_so = declared.ready.is_none();
        let serves = async || {
            if let Some(address) = &declared.listens {
                let connected = TcpStream::connect(address).await;
                connected.with_context(|| format!("nobody listens on {address}"))?;
            }
            let text = declared.ready.as_deref().unwrap_or_default();
            said.look(|line| says_so |= line.contains(text)).await?;
            ensure!(says_so, "its log does not say `{text}`");
            Ok(())
        };
        process.ready(READY, serves).await?;
        self.process = Some(process);
        Ok(())
    }

    pub(crate) async fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(process) => process.terminate(STOP).await.map(drop),
            None => Ok(()),
        }
    }

    pub(crate) async fn kill(&mut self) -> Result<()> {
        match self.process.take() {
            Some(process) => process.kill().await.map(drop),
            None => Ok(()),
        }
    }
}
