//! The brokers beside Redis, by the entries of `brokers` that lead to them.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::{
    broker::{Broker, Topics},
    kafka::Kafka,
    moto::Moto,
    nats::Nats,
    pubsub_emulator::PubSubEmulator,
    rabbitmq::RabbitMq,
};
use harness::{process::Process, toolbox::Toolbox};

/// One of them.
#[derive(Debug)]
pub enum Server {
    /// `kafka`.
    Kafka(Kafka),
    /// `rabbitmq`.
    RabbitMq(RabbitMq),
    /// `jetstream`.
    Nats(Nats),
    /// `snssqs`.
    Moto(Moto),
    /// `gcp`.
    PubSubEmulator(PubSubEmulator),
}

/// All entries.
pub const ENTRIES: [&str; 5] = ["kafka", "rabbitmq", "jetstream", "snssqs", "gcp"];

impl Server {
    /// The broker of an entry, with its data below `folder`; `None` when the toolbox lacks its programs. Nothing runs yet.
    pub(super) fn new(entry: &str, toolbox: &Toolbox, folder: &Path) -> Result<Option<Self>> {
        let folder = folder.join(entry);
        let program = |tool: &Option<_>| tool.clone();
        let server = match entry {
            "kafka" => toolbox
                .kafka
                .clone()
                .map(|tools| Kafka::new(tools, folder))
                .transpose()?
                .map(Self::Kafka),
            "rabbitmq" => program(&toolbox.rabbitmq_server)
                .map(|program| RabbitMq::new(program, folder))
                .transpose()?
                .map(Self::RabbitMq),
            "jetstream" => program(&toolbox.nats_server)
                .map(|program| Nats::new(program, folder))
                .transpose()?
                .map(Self::Nats),
            "snssqs" => program(&toolbox.moto)
                .map(|python| Moto::new(python, folder))
                .transpose()?
                .map(Self::Moto),
            "gcp" => program(&toolbox.pubsub_emulator)
                .map(|program| PubSubEmulator::new(program, folder))
                .transpose()?
                .map(Self::PubSubEmulator),
            _ => None,
        };
        Ok(server)
    }
}

/// The same call on whichever it is.
macro_rules! each {
    ($server:expr, $broker:ident => $call:expr) => {
        match $server {
            Server::Kafka($broker) => $call,
            Server::RabbitMq($broker) => $call,
            Server::Nats($broker) => $call,
            Server::Moto($broker) => $call,
            Server::PubSubEmulator($broker) => $call,
        }
    };
}

impl Broker for Server {
    async fn start(&mut self) -> Result<()> {
        each!(self, broker => broker.start().await)
    }

    fn slot(&mut self) -> &mut Option<Process> {
        each!(self, broker => broker.slot())
    }

    fn process(&self) -> Option<&Process> {
        each!(self, broker => broker.process())
    }

    fn values(&self) -> Value {
        each!(self, broker => broker.values())
    }

    fn secrets(&self) -> Value {
        each!(self, broker => broker.secrets())
    }

    async fn prepare(&self, topics: &Topics) -> Result<()> {
        each!(self, broker => broker.prepare(topics).await)
    }

    async fn read(&self, topic: &str) -> Result<Vec<String>> {
        each!(self, broker => broker.read(topic).await)
    }
}
