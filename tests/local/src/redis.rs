//! A real Redis: broker and state store of the stack, durable enough to be restarted under load.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, io::BufReader, net::TcpStream, time::timeout};

use super::{
    broker::Broker,
    resp::{self, Reply},
};
use harness::{launch::Launch, ports::Port, process::Process};

/// Loading a large append-only file takes its time on a slow disk.
const READY: Duration = Duration::from_secs(30);

/// Every command answers within this, or the server counts as gone.
const COMMAND: Duration = Duration::from_secs(5);

/// A Redis server that keeps its port and its data across restarts.
#[derive(Debug)]
pub struct Redis {
    program: PathBuf,
    folder: PathBuf,
    port: Port,
    process: Option<Process>,
}

impl Redis {
    /// Reserves the port; nothing runs yet.
    pub fn new(program: &Path, folder: PathBuf) -> Result<Self> {
        Ok(Self {
            program: program.to_owned(),
            folder,
            port: Port::reserve()?,
            process: None,
        })
    }

    /// `127.0.0.1:port`, also while it is down.
    pub fn address(&self) -> String {
        self.port.address()
    }

    /// Runs one command, such as `["XLEN", "task-events"]`; a server-side error is an [`Err`].
    pub async fn command(&self, words: &[&str]) -> Result<Reply> {
        let exchange = async {
            let mut stream = TcpStream::connect(self.address()).await?;
            stream.write_all(&resp::encode(words)).await?;
            resp::read(&mut BufReader::new(stream)).await
        };
        let reply = timeout(COMMAND, exchange).await;
        reply
            .context("no answer from Redis")?
            .with_context(|| words.join(" "))
    }

    async fn ping(&self) -> Result<()> {
        // While it loads its data, Redis answers an error.
        self.command(&["PING"]).await.map(drop)
    }
}

impl Broker for Redis {
    async fn start(&mut self) -> Result<()> {
        std::fs::create_dir_all(&self.folder).context("cannot create the folder of Redis")?;
        // `always`: what was acknowledged is on the disk, so that SIGKILL loses nothing.
        let port = self.port.number().to_string();
        let args = [
            "--port",
            &port,
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "yes",
        ];
        let launch = Launch::new("redis", &self.program, self.folder.join("redis.log"))
            .folder(&self.folder)
            .args(args)
            .args(["--appendfsync", "always"]);
        let process = Process::start(launch).await?;
        process
            .ready(READY, async || {
                self.ping().await.map_err(|error| format!("{error:#}"))
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
        json!({"host": self.address()})
    }

    async fn read(&self, topic: &str) -> Result<Vec<String>> {
        let entries = self.command(&["XRANGE", topic, "-", "+"]).await?;
        Ok(entries.texts().into_iter().map(str::to_owned).collect())
    }
}
