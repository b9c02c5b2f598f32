//! A real Kafka: one node in `KRaft` mode that is broker and controller at once.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::broker::Broker;
use harness::{launch::Launch, log, ports::Port, process::Process, toolbox::KafkaTools};

/// About 10 s on two idle cores; the rest is for busy ones.
const READY: Duration = Duration::from_mins(2);

/// Formatting the folder starts a JVM, no more.
const FORMAT: Duration = Duration::from_mins(1);

/// A broker for a test: a small heap, one collector thread, and the fast compiler, which doubles the start.
const JVM: [&str; 4] = [
    "-Xms64m",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
];

/// Request key 3 = Metadata, version 0, correlation id 1, no client id, no topics; with its length in front.
const METADATA_REQUEST: [u8; 18] = [0, 0, 0, 14, 0, 3, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0];

/// A Kafka node that keeps its ports and its data across restarts.
#[derive(Debug)]
pub struct Kafka {
    tools: KafkaTools,
    folder: PathBuf,
    clients: Port,
    controller: Port,
    process: Option<Process>,
}

impl Kafka {
    /// Reserves the ports; nothing runs yet.
    pub fn new(tools: KafkaTools, folder: PathBuf) -> Result<Self> {
        let (clients, controller) = (Port::reserve()?, Port::reserve()?);
        Ok(Self {
            tools,
            folder,
            clients,
            controller,
            process: None,
        })
    }

    /// `127.0.0.1:port` for clients, also while it is down.
    pub fn address(&self) -> String {
        self.clients.address()
    }

    /// The folder with a folder for each partition.
    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Writes the configuration, and formats the data folder when it is new.
    async fn configure(&self) -> Result<PathBuf> {
        let (config, data) = (self.folder.join("server.properties"), self.data());
        if data.join("meta.properties").exists() {
            return Ok(config);
        }
        fs::create_dir_all(&self.folder).context("cannot create the folder of Kafka")?;
        fs::write(&config, self.properties(&data))
            .context("cannot write the configuration of Kafka")?;
        let cluster = URL_SAFE_NO_PAD.encode(uuid::Uuid::now_v7().as_bytes());
        let format = self.java("kafka-format").args([
            "kafka.tools.StorageTool",
            "format",
            "-t",
            &cluster,
            "-c",
        ]);
        let format = Process::start(format.args([&config])).await?;
        let status = timeout(FORMAT, format.wait())
            .await
            .context("formatting Kafka's folder takes too long")??;
        ensure!(
            status.success(),
            "cannot format Kafka's folder:\n{}",
            log::tail(format.log(), 5)
        );
        Ok(config)
    }

    fn properties(&self, data: &Path) -> String {
        let (clients, controller, data) =
            (self.address(), self.controller.address(), data.display());
        format!(
            "process.roles=broker,controller\n\
             node.id=1\n\
             controller.quorum.voters=1@{controller}\n\
             controller.listener.names=CONTROLLER\n\
             listeners=PLAINTEXT://{clients},CONTROLLER://{controller}\n\
             advertised.listeners=PLAINTEXT://{clients}\n\
             log.dirs={data}\n\
             auto.create.topics.enable=true\n\
             num.partitions=3\n\
             default.replication.factor=1\n\
             offsets.topic.replication.factor=1\n\
             offsets.topic.num.partitions=3\n\
             transaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\n\
             share.coordinator.state.topic.replication.factor=1\n\
             share.coordinator.state.topic.min.isr=1\n\
             group.initial.rebalance.delay.ms=0\n"
        )
    }

    fn java(&self, name: &str) -> Launch {
        let classes = self.tools.jars.join("*");
        Launch::new(
            name,
            &self.tools.java,
            self.folder.join(format!("{name}.log")),
        )
        .folder(&self.folder)
        .args(JVM)
        .args(["-cp".into(), classes.into_os_string()])
    }

    /// Asks for the cluster's brokers: the port opens before the broker has joined its own cluster.
    async fn broker_is_up(&self) -> Result<()> {
        let mut stream = TcpStream::connect(self.address()).await?;
        stream.write_all(&METADATA_REQUEST).await?;
        let (_length, _correlation, brokers) = (
            stream.read_i32().await?,
            stream.read_i32().await?,
            stream.read_i32().await?,
        );
        ensure!(brokers > 0, "it has not joined its cluster yet");
        Ok(())
    }
}

impl Broker for Kafka {
    async fn start(&mut self) -> Result<()> {
        let config = self.configure().await?;
        let launch = self
            .java("kafka")
            .args(["kafka.Kafka".into(), config.into_os_string()]);
        let process = Process::start(launch).await?;
        process
            .ready(READY, async || {
                self.broker_is_up()
                    .await
                    .map_err(|error| format!("{error:#}"))
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
        json!({"brokers": self.address()})
    }

    /// Reads the segment files: Dapr sends uncompressed batches, so an event's JSON stands in them as it is.
    async fn read(&self, topic: &str) -> Result<Vec<String>> {
        let mut segments = Vec::new();
        for partition in fs::read_dir(self.data())? {
            let partition = partition?.path();
            if !partition.is_dir() || !is_partition_of(&partition, topic) {
                continue;
            }
            for file in fs::read_dir(partition)? {
                let file = file?.path();
                if file.extension().is_some_and(|extension| extension == "log") {
                    segments.push(String::from_utf8_lossy(&fs::read(file)?).into_owned());
                }
            }
        }
        Ok(segments)
    }
}

fn is_partition_of(folder: &Path, topic: &str) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str());
    let number = name.and_then(|name| name.strip_prefix(topic)?.strip_prefix('-'));
    number.is_some_and(|number| number.parse::<u32>().is_ok())
}
