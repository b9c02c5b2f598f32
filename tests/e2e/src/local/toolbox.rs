//! The programs that a stack is made of. `cargo xtask tools` finds or installs them.

use std::path::PathBuf;

/// Paths of the programs; nothing is looked up by name.
#[derive(Debug, Clone)]
pub struct Toolbox {
    /// Helm 3 or 4.
    pub helm: PathBuf,
    /// daprd 1.18.3 or newer.
    pub daprd: PathBuf,
    /// The Redis server.
    pub redis_server: PathBuf,
    /// Only for stacks with Kafka.
    pub kafka: Option<KafkaTools>,
    /// Only for stacks with RabbitMQ: its server.
    pub rabbitmq_server: Option<PathBuf>,
    /// Only for stacks with JetStream: the NATS server.
    pub nats_server: Option<PathBuf>,
    /// Only for stacks with SNS and SQS: the Python of the environment that has moto.
    pub moto: Option<PathBuf>,
    /// Only for stacks with Google Pub/Sub: its emulator.
    pub pubsub_emulator: Option<PathBuf>,
}

/// What Kafka needs.
#[derive(Debug, Clone)]
pub struct KafkaTools {
    /// Java 17 or newer.
    pub java: PathBuf,
    /// The folder with Kafka's jars and those that they need.
    pub jars: PathBuf,
}
