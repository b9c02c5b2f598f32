//! What a topic has stored, read past Dapr: from the broker's files, by its own tool, or over its HTTP API.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use harness::chart::{Rendered, items, text};
use harness::command;
use http_body_util::Full;
use hyper::{Method, Request, StatusCode, header::AUTHORIZATION};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use crate::Http;

/// Every question is answered within this, or the broker counts as gone.
const ANSWER: Duration = Duration::from_secs(10);

/// More than any test leaves in a queue.
const MANY: u32 = 100_000;

/// Of each topic, who reads it: groups, or queues.
pub(crate) type Readers = BTreeMap<String, BTreeSet<String>>;

/// Given the brokers.
const KAFKA_READERS: &str = r#"
import json, sys, kafka
admin = kafka.KafkaAdminClient(bootstrap_servers=sys.argv[1])
readers = {topic: [] for topic in admin.list_topics() if not topic.startswith("__")}
groups = [group["group_id"] for group in admin.list_groups()]
for group, offsets in admin.list_group_offsets(groups).items():
    for topic in {partition.topic for partition in offsets}:
        readers[topic].append(group)
print(json.dumps(readers))
"#;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reader {
    /// By the program beside the server's.
    RedisCli { server: PathBuf, port: String },
    /// Kafka's folder of data, and where it listens. Dapr sends uncompressed batches, so an event's JSON stands in them as it is.
    Kafka { data: PathBuf, address: String },
    /// Its folder of data, in which messages stand as they are, and what a client needs to make streams.
    JetStream {
        data: PathBuf,
        address: String,
        token: String,
    },
    /// The management API.
    RabbitMq { url: String, login: String },
    /// moto's own API, which tells all that it has in memory.
    Moto(String),
    /// Everything that was ever published, whether or not somebody has subscribed.
    PubSubEmulator(String),
}

impl Reader {
    /// Makes the streams of JetStream, which Dapr does not, with the topics' names: of events, and of those that nobody could handle. Others
    /// need nothing.
    pub(crate) async fn prepare(&self, rendered: &Rendered) -> Result<()> {
        let Self::JetStream { address, token, .. } = self else {
            return Ok(());
        };
        let specs = rendered.of_kind("Subscription").map(|it| &it["spec"]);
        let topics = specs.flat_map(|it| [&it["topic"], &it["deadLetterTopic"]]);
        for topic in topics.filter_map(Value::as_str).collect::<BTreeSet<_>>() {
            let stream = timeout(ANSWER, create_stream(address, token, topic)).await;
            let stream = stream.context("no answer")?;
            stream.with_context(|| format!("NATS, the stream {topic}"))?;
        }
        Ok(())
    }

    pub(crate) async fn redis(&self, command: &[&str]) -> Result<String> {
        let Self::RedisCli { server, port } = self else {
            bail!("this is no Redis")
        };
        let mut redis = Command::new(server.with_file_name("redis-cli"));
        redis.args(["-e", "-p", port]).args(command);
        let said = command::output(&mut redis, ANSWER, "").await?;
        Ok(said.trim().to_owned())
    }

    /// What there is, by the broker's own word: streams and their groups, topics and theirs, exchanges and the queues that are bound to
    /// them. For Kafka the Python that has a client.
    pub(crate) async fn readers(&self, http: &Http, client: Option<&Path>) -> Result<Readers> {
        let mut readers = Readers::new();
        match self {
            Self::RedisCli { .. } => {
                let streams = ["SCAN", "0", "COUNT", "1000000", "TYPE", "stream"];
                for stream in self.redis(&streams).await?.lines().skip(1) {
                    let said = self.redis(&["XINFO", "GROUPS", stream]).await?;
                    let mut lines = said.lines();
                    let groups = readers.entry(stream.to_owned()).or_default();
                    while lines.any(|line| line == "name") {
                        groups.extend(lines.next().map(str::to_owned));
                    }
                }
            }
            Self::Kafka { address, .. } => {
                let mut python = Command::new(client.context("no client of Kafka")?);
                python.args(["-c", KAFKA_READERS, address]);
                readers = serde_json::from_str(&command::output(&mut python, ANSWER, "").await?)?;
            }
            Self::RabbitMq { url, login } => {
                let bindings = ask(http, &format!("{url}/api/bindings/%2F"), login, None).await?;
                for binding in items(&bindings).filter(|it| it["source"] != "") {
                    let readers = readers.entry(text(&binding["source"])).or_default();
                    readers.insert(text(&binding["destination"]));
                }
            }
            _ => bail!("nobody asks this broker"),
        }
        Ok(readers)
    }

    /// All dead letters, those of `topic`, as text in which event ids can be looked for; empty when there is nothing.
    pub(crate) async fn read(&self, http: &Http, topic: &str) -> Result<String> {
        match self {
            Self::RedisCli { .. } => self.redis(&["XRANGE", topic, "-", "+"]).await,
            // A folder for each partition, of which there are three.
            Self::Kafka { data, .. } => files(&data.join(format!("{topic}-[0-9]/*.log"))),
            Self::JetStream { data, .. } => {
                let streams = data.join("jetstream/$G/streams");
                files(&streams.join(topic).join("msgs/*.blk"))
            }
            Self::RabbitMq { url, login } => {
                // An exchange keeps nothing: that of dead letters has a queue.
                let queue = topic.replacen("dlx-", "dlq-", 1);
                let queue = format!("{url}/api/queues/%2F/{queue}/get");
                let get = json!({"count": MANY, "ackmode": "ack_requeue_true", "encoding": "auto"});
                let messages = ask(http, &queue, login, Some(&get)).await?;
                ensure!(!messages.is_null(), "there is no {queue}");
                let payloads = items(&messages).filter_map(|it| it["payload"].as_str());
                Ok(payloads.collect())
            }
            Self::Moto(url) => {
                let all = ask(http, &format!("{url}/moto-api/data.json"), "", None).await?;
                let mut topics = items(&all["sns"]["Topic"]).filter(|it| it["name"] == topic);
                let topic = topics.next().unwrap_or(&Value::Null);
                let sent = items(&topic["sent_notifications"]);
                Ok(sent.map(Value::to_string).collect())
            }
            Self::PubSubEmulator(url) => {
                let messages = format!("{url}/messages?topic={topic}");
                let messages = ask(http, &messages, "", None).await?;
                Ok(items(&messages).filter_map(Value::as_str).collect())
            }
        }
    }
}

fn files(pattern: &Path) -> Result<String> {
    let mut text = String::new();
    for file in glob::glob(&pattern.to_string_lossy())? {
        text.push_str(&String::from_utf8_lossy(&fs::read(file?)?));
    }
    Ok(text)
}

/// The answer to a request, in JSON; null where there is no such thing.
async fn ask(http: &Http, url: &str, login: &str, body: Option<&Value>) -> Result<Value> {
    let (method, body) = match body {
        Some(body) => (Method::POST, body.to_string()),
        None => (Method::GET, String::new()),
    };
    let login = format!("Basic {}", STANDARD.encode(login));
    let request = Request::builder().method(method).uri(url);
    let request = request.header(AUTHORIZATION, login);
    let answer = http.send(request.body(Full::from(body))?, ANSWER).await?;
    if answer.status == StatusCode::NOT_FOUND {
        return Ok(Value::Null);
    }
    let (status, said) = (answer.status, answer.text());
    ensure!(status.is_success(), "{url}: {status} {said}");
    answer.json()
}

/// One request to JetStream's API, in the protocol's lines of text.
async fn create_stream(address: &str, token: &str, topic: &str) -> Result<()> {
    let mut server = TcpStream::connect(address).await?;
    let connect = json!({"verbose": false, "auth_token": token});
    let stream = json!({"name": topic, "subjects": [topic], "storage": "file"}).to_string();
    let request = format!(
        "CONNECT {connect}\r\nSUB answer 1\r\nPUB $JS.API.STREAM.CREATE.{topic} answer {}\r\n{stream}\r\n",
        stream.len()
    );
    server.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    while !answer.contains("did_create") {
        let mut bytes = [0; 4096];
        let read = server.read(&mut bytes).await?;
        answer.push_str(&String::from_utf8_lossy(&bytes[..read]));
        if read == 0 || answer.contains("-ERR") || answer.contains("\"error\"") {
            bail!("{answer}");
        }
    }
    Ok(())
}
