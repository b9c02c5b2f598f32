//! The brokers: programs, configuration, and how each says that it serves.

use std::path::Path;

use anyhow::Result;
use harness::launch::Launch;
use harness::ports::Port;
use harness::toolbox::{KafkaTools, Toolbox};
use serde_json::json;

use super::{Declaration, Ready, topic::Reader};
use crate::site::token;

/// A broker for a test: a small heap, one collector thread, and the fast compiler, which doubles the start.
const JVM: [&str; 4] = [
    "-Xms64m",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
];

/// Erlang's name register goes with the node: one that a node starts for itself outlives it.
const WITH_REGISTER: &str = r#"epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" & exec "$0""#;

/// The one who logs in to RabbitMQ, for the management API an administrator.
const USER: &str = "tasks";

pub(super) fn declare(entry: &str, tools: &Toolbox, folder: &Path) -> Result<Option<Declaration>> {
    match entry {
        "redis" => redis(&tools.redis_server, folder).map(Some),
        "kafka" => tools.kafka.as_ref().map(|it| kafka(it, folder)).transpose(),
        "rabbitmq" => optional(tools.rabbitmq_server.as_deref(), rabbitmq, folder),
        "jetstream" => optional(tools.nats_server.as_deref(), nats, folder),
        "snssqs" => optional(tools.moto.as_deref(), moto, folder),
        "gcp" => optional(tools.pubsub_emulator.as_deref(), pubsub, folder),
        _ => Ok(None),
    }
}

fn optional(
    program: Option<&Path>,
    declare: fn(&Path, &Path) -> Result<Declaration>,
    folder: &Path,
) -> Result<Option<Declaration>> {
    program.map(|it| declare(it, folder)).transpose()
}

fn launch(name: &str, program: &Path, folder: &Path) -> Launch {
    Launch::new(name, program, folder.join(format!("{name}.log"))).folder(folder)
}

/// `always`: what was acknowledged is on the disk, so that SIGKILL loses nothing.
fn redis(server: &Path, folder: &Path) -> Result<Declaration> {
    let port = Port::reserve()?;
    let number = port.number().to_string();
    let durable = [
        "--save",
        "",
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
    ];
    Ok(Declaration {
        launch: launch("redis", server, folder)
            .args(["--bind", "127.0.0.1", "--port", &number])
            .args(durable),
        files: Vec::new(),
        ready: Ready::Log("Ready to accept connections"),
        values: json!({"host": port.address()}),
        secrets: json!({}),
        reader: Reader::RedisCli(server.with_file_name("redis-cli"), number),
        _ports: vec![port],
    })
}

/// One node in `KRaft` mode that is broker and controller at once. Its folder is formatted by hand: the tool for it is a JVM's start.
fn kafka(tools: &KafkaTools, folder: &Path) -> Result<Declaration> {
    let (clients, controllers) = (Port::reserve()?, Port::reserve()?);
    let (address, controller) = (clients.address(), controllers.address());
    let properties = format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@{controller}\n\
         controller.listener.names=CONTROLLER\n\
         listeners=PLAINTEXT://{address},CONTROLLER://{controller}\n\
         advertised.listeners=PLAINTEXT://{address}\n\
         log.dirs={data}\n\
         num.partitions=3\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=3\n\
         group.initial.rebalance.delay.ms=0\n",
        data = folder.join("data").display()
    );
    let formatted = "version=1\nnode.id=1\ncluster.id=dGFza3MtdGFza3MtdGFzaw\n".to_owned();
    let classes = tools.jars.join("*").into_os_string();
    Ok(Declaration {
        launch: launch("kafka", &tools.java, folder)
            .args(JVM)
            .args(["-cp".into(), classes])
            .args(["kafka.Kafka", "server.properties"]),
        files: vec![
            ("server.properties", properties),
            ("data/meta.properties", formatted),
        ],
        ready: Ready::Log("Kafka Server started"),
        values: json!({"brokers": address}),
        secrets: json!({}),
        reader: Reader::Kafka(folder.join("data")),
        _ports: vec![clients, controllers],
    })
}

/// One node with a name register, a cookie and folders of its own, and with a user that is not `guest`.
fn rabbitmq(server: &Path, folder: &Path) -> Result<Declaration> {
    let [clients, management, nodes, register] = [(); 4].map(|()| Port::reserve());
    let (clients, management, nodes, register) = (clients?, management?, nodes?, register?);
    let password = token();
    let configuration = format!(
        "listeners.tcp.1 = {}\n\
         management.tcp.ip = 127.0.0.1\n\
         management.tcp.port = {}\n\
         default_user = {USER}\n\
         default_pass = {password}\n",
        clients.address(),
        management.number()
    );
    let file = |name: &str| folder.join(name).into_os_string();
    let number = |port: &Port| port.number().to_string();
    let launch = launch("rabbitmq", Path::new("/bin/sh"), folder)
        .args(["-c".into(), WITH_REGISTER.into(), server.as_os_str().to_owned()])
        // The cookie stands there.
        .env("HOME", folder)
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("ERL_EPMD_PORT", number(&register))
        .env("RABBITMQ_NODENAME", format!("tasks-{}@localhost", number(&clients)))
        .env("RABBITMQ_DIST_PORT", number(&nodes))
        .env(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "-kernel inet_dist_use_interface {127,0,0,1}",
        )
        .env("RABBITMQ_CONF_ENV_FILE", file("rabbitmq-env.conf"))
        .env("RABBITMQ_CONFIG_FILE", file("rabbitmq.conf"))
        .env("RABBITMQ_ADVANCED_CONFIG_FILE", file("advanced.config"))
        .env("RABBITMQ_GENERATED_CONFIG_DIR", file("generated"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", file("enabled_plugins"))
        .env("RABBITMQ_MNESIA_BASE", file("data"))
        .env("RABBITMQ_PID_FILE", file("pid"))
        .env("RABBITMQ_LOG_BASE", file("log"))
        .env("RABBITMQ_LOGS", "-");
    Ok(Declaration {
        launch,
        files: vec![
            ("rabbitmq.conf", configuration),
            ("enabled_plugins", "[rabbitmq_management].\n".to_owned()),
            // Otherwise it reads the one of the system.
            ("rabbitmq-env.conf", String::new()),
        ],
        ready: Ready::Log("Server startup complete"),
        values: json!({"host": clients.address(), "existingSecret": "rabbitmq-user"}),
        secrets: json!({"rabbitmq-user": {"username": USER, "password": password}}),
        reader: Reader::RabbitMq {
            url: management.url(),
            login: format!("{USER}:{password}"),
        },
        _ports: vec![clients, management, nodes, register],
    })
}

/// With JetStream, for clients that have a token; `always` as with Redis.
fn nats(server: &Path, folder: &Path) -> Result<Declaration> {
    let (port, token) = (Port::reserve()?, token());
    let (address, data) = (port.address(), folder.join("data"));
    let configuration = format!(
        "listen: \"{address}\"\n\
         authorization {{ token: \"{token}\" }}\n\
         jetstream {{ store_dir: \"{}\", sync_interval: always }}\n",
        data.display()
    );
    let url = format!("nats://{address}");
    Ok(Declaration {
        launch: launch("nats", server, folder).args(["--config", "nats.conf"]),
        files: vec![("nats.conf", configuration)],
        ready: Ready::Log("Server is ready"),
        values: json!({"url": url, "authType": "token", "existingSecret": "nats-token"}),
        secrets: json!({"nats-token": {"token": token}}),
        reader: Reader::JetStream {
            data,
            address,
            token,
        },
        _ports: vec![port],
    })
}

/// moto in place of SNS, SQS and STS. It has their API, keeps everything in memory, and does not check who asks.
fn moto(python: &Path, folder: &Path) -> Result<Declaration> {
    let port = Port::reserve()?;
    let number = port.number().to_string();
    Ok(Declaration {
        launch: launch("moto", python, folder)
            .args(["-u", "-c", include_str!("moto.py")])
            .args(["-H", "127.0.0.1", "-p", &number]),
        files: Vec::new(),
        ready: Ready::Log("Running on http"),
        values: json!({"endpoint": port.url(), "region": "us-east-1", "existingSecret": "aws-key"}),
        secrets: json!({"aws-key": {"access-key-id": "tasks", "secret-access-key": token()}}),
        reader: Reader::Moto(port.url()),
        _ports: vec![port],
    })
}

/// Google's own in-process fake of Cloud Pub/Sub (Go package `pstest`) behind a port; it keeps everything in memory.
fn pubsub(emulator: &Path, folder: &Path) -> Result<Declaration> {
    let (grpc, http) = (Port::reserve()?, Port::reserve()?);
    Ok(Declaration {
        launch: launch("pubsub-emulator", emulator, folder)
            .args(["-grpc", &grpc.address()])
            .args(["-http", &http.address()]),
        files: Vec::new(),
        ready: Ready::Port(http.number()),
        values: json!({"endpoint": grpc.address()}),
        secrets: json!({}),
        reader: Reader::PubSubEmulator(http.url()),
        _ports: vec![grpc, http],
    })
}
