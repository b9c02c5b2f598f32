//! Looks into a topic on the broker itself, past Dapr.

use std::path::Path;

use anyhow::{Result, bail};

use super::{Kafka, Redis, Stack};

impl Stack {
    /// Everything that `broker` has stored in `topic`, as text in which event ids can be looked for.
    pub async fn read_topic(&self, broker: &str, topic: &str) -> Result<Vec<String>> {
        match broker {
            "redis" => from_redis(self.redis(), topic).await,
            "kafka" => from_kafka(self.kafka()?, topic),
            _ => bail!("cannot look into {broker}"),
        }
    }
}

async fn from_redis(redis: &Redis, topic: &str) -> Result<Vec<String>> {
    let entries = redis.command(&["XRANGE", topic, "-", "+"]).await?;
    Ok(entries.texts().into_iter().map(str::to_owned).collect())
}

/// Reads the segment files: Dapr sends uncompressed batches, so an event's JSON stands in them as it is.
fn from_kafka(kafka: &Kafka, topic: &str) -> Result<Vec<String>> {
    let mut segments = Vec::new();
    for partition in std::fs::read_dir(kafka.data())? {
        let partition = partition?.path();
        if partition.is_dir() && is_partition_of(&partition, topic) {
            for file in std::fs::read_dir(partition)? {
                let file = file?.path();
                if file.extension().is_some_and(|extension| extension == "log") {
                    segments.push(String::from_utf8_lossy(&std::fs::read(file)?).into_owned());
                }
            }
        }
    }
    Ok(segments)
}

fn is_partition_of(folder: &Path, topic: &str) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str());
    let number = name.and_then(|name| name.strip_prefix(topic)?.strip_prefix('-'));
    number.is_some_and(|number| number.parse::<u32>().is_ok())
}
