//! The broker's own load generator, which knows nothing of Dapr: what the broker can do with these events on this machine.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use harness::{Toolbox, command::output};
use local_stack::Stack;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::generator::Load;

/// The stream or the topic that it writes.
const TOPIC: &str = "bench";

/// Kafka's has a limit of records and none of time: so many for each second of a round.
const RECORDS_A_SECOND: u64 = 100_000;

/// What the start of its JVM takes at most.
const START: Duration = Duration::from_mins(1);

#[derive(Debug, Clone)]
pub(super) enum Generator {
    /// `redis-benchmark`: `XADD`, one by one on each connection.
    Redis(PathBuf),
    /// `kafka-producer-perf-test`: one producer, in batches as its defaults make them, acknowledged by all replicas.
    Kafka { java: PathBuf, jars: String },
}

impl Generator {
    /// That of the broker.
    pub(super) fn find(broker: &str, toolbox: &Toolbox) -> Result<Self> {
        Ok(match broker {
            "redis" => {
                let program = toolbox.path("redis")?.with_file_name("redis-benchmark");
                ensure!(program.exists(), "no redis-benchmark beside redis-server");
                Self::Redis(program)
            }
            "kafka" => {
                let folder = |name| anyhow::Ok(format!("{}/*", toolbox.path(name)?.display()));
                Self::Kafka {
                    java: toolbox.path("java")?.to_owned(),
                    jars: format!("{}:{}", folder("kafka-tools")?, folder("kafka")?),
                }
            }
            _ => bail!("of {broker} none is known"),
        })
    }

    /// Writes these bytes again and again. Returns how many the broker took, and in what time.
    pub(super) async fn publish(
        &self,
        stack: &Stack,
        load: Load,
        event: &str,
    ) -> Result<(u32, Duration)> {
        match self {
            Self::Redis(program) => redis(stack, program, load, event).await,
            Self::Kafka { java, jars } => {
                let mut command = Command::new(java);
                command.args(["-cp", jars, "org.apache.kafka.tools.ProducerPerformance"]);
                kafka(stack, command, load, event).await
            }
        }
    }
}

/// Counted in the stream.
async fn redis(stack: &Stack, program: &Path, load: Load, event: &str) -> Result<(u32, Duration)> {
    let host = stack.broker_values()["host"].as_str().unwrap_or_default();
    let (host, port) = host.split_once(':').context("no port of Redis")?;
    let connections = load.connections.to_string();
    let mut command = Command::new(program);
    command.args(["-h", host, "-p", port, "-c", &connections]);
    command.args(["-n", "1000000000", "XADD", TOPIC, "*", "data", event]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (started, mut child) = (Instant::now(), command.kill_on_drop(true).spawn()?);
    sleep(load.duration).await;
    let length = stack.redis(&["XLEN", TOPIC]).await?;
    let (events, took) = (length.parse().context(length)?, started.elapsed());
    ensure!(child.try_wait()?.is_none(), "redis-benchmark has ended");
    child.kill().await?;
    stack.redis(&["DEL", TOPIC]).await?;
    Ok((events, took))
}

/// Counted by the generator, which is told of every record. Without the start of its JVM.
async fn kafka(
    stack: &Stack,
    mut command: Command,
    load: Load,
    event: &str,
) -> Result<(u32, Duration)> {
    let payload = stack.log("bench").with_file_name("payload.json");
    std::fs::write(&payload, event)?;
    let records = load.duration.as_secs() * RECORDS_A_SECOND;
    let brokers = stack.broker_values()["brokers"]
        .as_str()
        .unwrap_or_default();
    command.args(["--topic", TOPIC, "--throughput", "-1", "--num-records"]);
    command
        .arg(records.to_string())
        .arg("--payload-file")
        .arg(payload);
    command.args(["--producer-props", "acks=all"]);
    command.arg(format!("bootstrap.servers={brokers}"));
    let said = output(&mut command, START + load.duration * 10, "").await?;
    let (events, took) = summary(&said).with_context(|| format!("it said: {said}"))?;
    ensure!(
        u64::from(events) == records,
        "it sent {events} of {records}"
    );
    Ok((events, took))
}

/// What it says at the end: `500000 records sent, 98765.4 records/sec (43.21 MB/sec), ...`.
fn summary(said: &str) -> Option<(u32, Duration)> {
    let mut last = said
        .lines()
        .rev()
        .find(|it| it.contains(" records sent"))?
        .split(' ');
    let events: u32 = last.next()?.parse().ok()?;
    let rate: f64 = last.nth(2)?.parse().ok()?;
    Some((
        events,
        Duration::try_from_secs_f64(f64::from(events) / rate).ok()?,
    ))
}
