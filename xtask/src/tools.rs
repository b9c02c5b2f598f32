//! What the local stack needs on this machine: found, or installed once into a per-user cache.
//!
//! Order: `PATH` (and Dapr's own install folder), the cache, then the tool's ordinary package manager.

mod cache;
mod command;
mod find;
mod install;
mod list;
mod table;
mod version;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use harness::toolbox::{KafkaTools, Toolbox};
use serde::Serialize;

use self::cache::Cache;
use harness::console::Step;

pub(crate) use self::{
    find::on_path,
    list::{Args, run},
    table::Tool,
};

/// What a stack with Redis needs.
const STACK: &[Tool] = &[Tool::Helm, Tool::Daprd, Tool::Redis];

/// What the broker of an entry of `brokers` needs on top.
fn of_broker(entry: &str) -> &'static [Tool] {
    match entry {
        "kafka" => &[Tool::Java, Tool::Kafka],
        "rabbitmq" => &[Tool::RabbitMq],
        "jetstream" => &[Tool::NatsServer],
        "snssqs" => &[Tool::Moto],
        "gcp" => &[Tool::PubSubEmulator],
        _ => &[],
    }
}

/// Where a tool comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Origin {
    /// `PATH`, or a folder that belongs to it in spirit: `JAVA_HOME`, Dapr's own.
    Path,
    /// The cache, from an earlier run.
    Cache,
    /// Installed by this run.
    Installed,
}

/// A tool that is there.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// What it says of itself, or the pinned version.
    pub(crate) version: String,
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// The program, or the folder for what is not a program.
    pub(crate) path: PathBuf,
}

/// Tools that are there.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    found: BTreeMap<Tool, Found>,
}

/// The tools of a local stack that has the brokers of these entries.
pub(crate) async fn toolbox(entries: &[&str], services: &Path) -> Result<Toolbox> {
    let brokers = entries.iter().flat_map(|entry| of_broker(entry));
    let wanted: Vec<_> = STACK.iter().chain(brokers).copied().collect();
    let tools = ensure(&wanted).await?;
    let step = Step::start("tools");
    let versions = tools
        .iter()
        .map(|(tool, found)| format!("{} {}", tool.declaration().name, found.version));
    step.done(&versions.collect::<Vec<_>>().join(", "));
    tools.toolbox(services)
}

/// Makes sure that the broker of an entry can be had.
pub(crate) async fn ensure_broker(entry: &str) -> Result<()> {
    ensure(of_broker(entry)).await.map(drop)
}

/// Finds the tools, and installs those that are missing. The error of a tool that cannot be installed ends with one
/// line that says what to do by hand.
pub(crate) async fn ensure(wanted: &[Tool]) -> Result<Tools> {
    let cache = Cache::open()?;
    let mut found = BTreeMap::new();
    let mut missing = Vec::new();
    for &tool in wanted {
        match find::find(tool, &cache).await {
            Some(there) => drop(found.insert(tool, there)),
            None => missing.push(tool),
        }
    }
    if missing.is_empty() {
        return Ok(Tools { found });
    }
    let lock = cache.lock().await?;
    for tool in missing {
        // Whoever held the lock before may have installed it.
        let there = match find::find(tool, &cache).await {
            Some(there) => there,
            None => install::install(tool, &lock).await?,
        };
        found.insert(tool, there);
    }
    Ok(Tools { found })
}

impl Tools {
    /// The path of a tool that was ensured.
    pub(crate) fn path(&self, tool: Tool) -> Result<&Path> {
        let found = self.found.get(&tool);
        found
            .map(|found| found.path.as_path())
            .with_context(|| format!("{tool:?} was not ensured"))
    }

    /// All that were ensured, in the order of the table.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Tool, &Found)> {
        self.found.iter().map(|(tool, found)| (*tool, found))
    }

    /// As the local stack takes them; each broker when its tools were ensured.
    fn toolbox(&self, services: &Path) -> Result<Toolbox> {
        let path = |tool| self.path(tool).map(PathBuf::from);
        let kafka = match (path(Tool::Java), path(Tool::Kafka)) {
            (Ok(java), Ok(jars)) => Some(KafkaTools { java, jars }),
            _ => None,
        };
        let (helm, daprd, redis_server) =
            (path(Tool::Helm)?, path(Tool::Daprd)?, path(Tool::Redis)?);
        Ok(Toolbox {
            services: services.to_owned(),
            helm,
            daprd,
            redis_server,
            kafka,
            rabbitmq_server: path(Tool::RabbitMq)
                .ok()
                .map(|rabbitmqctl| rabbitmqctl.with_file_name("rabbitmq-server")),
            nats_server: path(Tool::NatsServer).ok(),
            moto: path(Tool::Moto).ok(),
            pubsub_emulator: path(Tool::PubSubEmulator).ok(),
        })
    }
}
