//! The proofs that need a cluster: each in a namespace of its own that enforces *restricted*, and each counts.

mod argocd;
mod away;
mod doors;
mod fan_out;
mod install;
mod pods;
mod rollouts;
mod under_load;
mod wrong;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::Site;
use argocd::Environment;
use harness::scenario::{self, Weight};

/// The environment variable with the setup, as JSON.
const SETUP: &str = "CLUSTER_SETUP";

#[derive(Clone, Deserialize)]
pub(crate) struct Setup {
    pub(crate) kubectl: PathBuf,
    pub(crate) helm: PathBuf,
    pub(crate) helm4: PathBuf,
    pub(crate) images: Images,
    /// Values for every release: where the brokers of this cluster are.
    pub(crate) values: Value,
    /// Where logs and evidence go.
    pub(crate) folder: PathBuf,
    pub(crate) git: Option<Git>,
    /// Tasks a second of each scenario under load, on a machine that keeps up.
    pub(crate) rate: u32,
    /// Part of every namespace's name, so that two runs do not meet.
    pub(crate) run: String,
    /// Leaves the namespaces in place.
    pub(crate) keep: bool,
}

impl Setup {
    pub(crate) fn read() -> Result<Self> {
        let missing = || format!("{SETUP} is not set: `cargo xtask e2e` runs these tests");
        let text = std::env::var(SETUP).with_context(missing)?;
        serde_json::from_str(&text).context(SETUP)
    }
}

/// Names and tag of the images, as the cluster knows them.
#[derive(Clone, Deserialize)]
pub(crate) struct Images {
    /// What stands before the names, without a slash at the end; may be empty.
    pub(crate) registry: String,
    pub(crate) tag: String,
    pub(crate) pull_policy: String,
}

impl Images {
    pub(crate) fn name(&self, service: &str) -> String {
        match self.registry.as_str() {
            "" => format!("{service}:{}", self.tag),
            registry => format!("{registry}/{service}:{}", self.tag),
        }
    }
}

/// A repository, as commits are pushed to it from here, and as Argo CD finds it.
#[derive(Clone, Deserialize)]
pub(crate) struct Git {
    pub(crate) push: String,
    pub(crate) sync: String,
}

/// A promise and the run that proves it.
pub(crate) type Scenario = scenario::Scenario<Setup>;

macro_rules! scenarios {
    ($($weight:ident $module:ident :: $name:ident($($argument:expr),*) = $title:literal: $promise:literal;)*) => {
        &[$(Scenario {
            name: $title,
            promise: $promise,
            weight: Weight::$weight,
            needs: &[],
            run: |setup| Box::pin(async {
                let site = Site::create(setup, $title).await?;
                let result = $module::$name(&site, $($argument),*).await;
                site.end(result).await
            }),
        }),*]
    };
}

/// Every scenario: the longest, then in the order of GUARANTEES.
pub(crate) const ALL: &[Scenario] = scenarios! {
    Load argocd::commits(Environment::usual) = "cluster-argocd": "commits under load: Redis to Kafka and its revert, a missing Secret and its revert, Redis to RabbitMQ";
    Light install::as_the_tutorial("redis", "declarative") = "cluster-tutorial-redis": "installed, 2/2, the tutorial's request has its effect, uninstalled without a trace";
    Light install::as_the_tutorial("kafka", "declarative") = "cluster-tutorial-kafka": "the same on Kafka";
    Light install::as_the_tutorial("rabbitmq", "declarative") = "cluster-tutorial-rabbitmq": "the same on RabbitMQ";
    Light install::as_the_tutorial("redis", "programmatic") = "cluster-tutorial-programmatic": "the same when the worker itself lists the subscription";
    Light install::components_last() = "cluster-components-last": "pods that start before their components converge by themselves";
    Light doors::closed() = "cluster-closed-doors": "no app hands in events, publishes or hears through a release that does not name it";
    Load fan_out::fan_out(4, 700) = "cluster-fan-out": "seven subscribers of two releases, one slow, one that says RETRY and one that is killed: each receives everything once, and none disturbs another";
    Load rollouts::restarts() = "cluster-rolls": "rolling restarts under load: nothing lost, doubled or refused; helm test passes, and fails when it must";
    Load rollouts::from_the_previous() = "cluster-upgrade": "from the previous version of the chart under load: nothing lost, doubled or refused";
    Load rollouts::protocols() = "cluster-protocol": "deliveries changed from HTTP to gRPC and back under load: nothing lost, doubled or refused";
    Load away::on_kafka(&[1, 3], away::SHORT, true) = "cluster-away-kafka": "one worker, then three, stand still or are killed under load, and objects are edited: nothing lost, doubled or refused, and soon caught up";
    Load rollouts::by_helm("redis", "kafka", 1) = "cluster-helm-redis-kafka": "helm upgrade under load: nothing lost, doubled or refused, and no worker restarted";
    Load rollouts::by_helm("kafka", "rabbitmq", 2) = "cluster-helm-kafka-rabbitmq": "the same in two steps, with Helm 4";
    Load rollouts::to_a_dead_broker() = "cluster-helm-dead-broker": "an upgrade to a dead broker fails with the publishers untouched; the rollback recovers";
    // What takes too long for every day: `cargo xtask e2e --long --only long`.
    Load fan_out::fan_out(17, 10_000) = "long-cluster-fan-out": "the same with twenty subscribers and 10,000 events";
    Load away::on_kafka(&[1], away::LONG, false) = "long-cluster-away-kafka": "a worker stands still for 1, 5, 20 and 90 s, ten times each: nothing lost, doubled or refused, and soon caught up";
    Load rollouts::in_place() = "long-cluster-in-place": "a Component that becomes another broker is refused; by force it loses events, which is why";
    Load argocd::commits(Environment::grows) = "long-cluster-graph": "a commit under load adds a topic, its publisher and two subscribers: nothing lost, doubled or refused";
    Load argocd::commits(Environment::all_wrong) = "long-cluster-wrong-commits": "eight kinds of wrong commits under load, each with a pod of each service taken away, and its revert: nothing lost, doubled or refused, and cured without a hand";
    Load argocd::commits(Environment::round_trip) = "long-cluster-round-trip": "Redis to Kafka to RabbitMQ to Redis by commits under load, each of which drops the broker before: nothing lost, doubled or refused. It takes RabbitMQ's management API";
};
