//! The proofs: each runs on real sidecars and real brokers and counts.

mod answers;
mod bad_input;
mod broker_change;
mod crashes;
mod idempotency;
mod outage;
mod probe;
mod shutdown;
mod trace;
mod tutorial;
mod worker_killed;

use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::json;
use uuid::Uuid;

use crate::ledger::{Count, Ledger};
use crate::local::server::ENTRIES;
use crate::local::{App, Stack, StackOptions, Toolbox, merge};
use crate::worker_log::WorkerLog;

/// What a scenario may use.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The programs.
    pub toolbox: Toolbox,
    /// The `task-api` binary.
    pub api: PathBuf,
    /// The `task-worker` binary.
    pub worker: PathBuf,
    /// The `task-probe` binary.
    pub probe: PathBuf,
    /// Leaves the stacks' folders, with all logs, in place.
    pub keep: bool,
}

/// A promise and the run that proves it.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// Its name, for reports and `--only`.
    pub name: &'static str,
    /// What is promised.
    pub promise: &'static str,
    arguments: &'static [&'static str],
    /// Runs it; the text is what was counted.
    pub run: fn(Setup) -> Run,
}

/// A scenario under way.
pub type Run = Pin<Box<dyn Future<Output = Result<String>>>>;

macro_rules! scenarios {
    ($($module:ident :: $name:ident($($argument:expr),*) = $title:literal: $promise:literal;)*) => {
        &[$(Scenario {
            name: $title,
            promise: $promise,
            arguments: &[$($argument),*],
            run: |setup| Box::pin($module::$name(setup, $($argument),*)),
        }),*]
    };
}

/// Every scenario, in the order of README and GUARANTEES.
pub const ALL: &[Scenario] = scenarios! {
    tutorial::request("redis", "declarative") = "tutorial-declarative": "the tutorial's request gets its three fields, and the worker's log its line";
    tutorial::request("redis", "programmatic") = "tutorial-programmatic": "the same when the worker itself lists the subscription";
    tutorial::request("rabbitmq", "declarative") = "tutorial-rabbitmq": "the tutorial's request and the worker's line, on this broker";
    tutorial::request("jetstream", "declarative") = "tutorial-jetstream": "the tutorial's request and the worker's line, on this broker";
    tutorial::request("snssqs", "declarative") = "tutorial-snssqs": "the tutorial's request and the worker's line, on this broker";
    tutorial::request("gcp", "declarative") = "tutorial-gcp": "the tutorial's request and the worker's line, on this broker";
    trace::unbroken("redis") = "trace-redis": "one W3C trace from the request through sidecars and broker to the worker's span";
    trace::unbroken("kafka") = "trace-kafka": "one W3C trace from the request through sidecars and broker to the worker's span";
    answers::retried("redis") = "retry-redis": "RETRY n times, then SUCCESS: n+1 deliveries, one effect";
    answers::retried("kafka") = "retry-kafka": "RETRY n times, then SUCCESS: n+1 deliveries, one effect";
    answers::retried("rabbitmq") = "retry-rabbitmq": "RETRY n times, then SUCCESS: n+1 deliveries, one effect";
    answers::retried("jetstream") = "retry-jetstream": "RETRY n times, then SUCCESS: n+1 deliveries, one effect";
    answers::retried("snssqs") = "retry-snssqs": "RETRY n times, then SUCCESS: n+1 deliveries, one effect";
    answers::retried("gcp") = "retry-gcp": "RETRY n times, then SUCCESS: n+1 deliveries, one effect";
    answers::dead_letters("redis") = "dead-letters-redis": "dropped and undecodable events are in the dead-letter topic at once";
    answers::dead_letters("kafka") = "dead-letters-kafka": "dropped and undecodable events are in the dead-letter topic at once";
    answers::dead_letters("rabbitmq") = "dead-letters-rabbitmq": "dropped and undecodable events are in the dead-letter topic at once";
    answers::dead_letters("jetstream") = "dead-letters-jetstream": "dropped and undecodable events are in the dead-letter topic at once";
    answers::dead_letters("snssqs") = "dead-letters-snssqs": "dropped and undecodable events are in the dead-letter topic at once";
    answers::dead_letters("gcp") = "dead-letters-gcp": "dropped and undecodable events are in the dead-letter topic at once";
    worker_killed::one_in_hand("redis") = "worker-killed-redis": "SIGKILL of the worker that has one event in hand at a time: every acknowledged event has one effect";
    worker_killed::one_in_hand("kafka") = "worker-killed-kafka": "SIGKILL of the worker that has one event in hand at a time: every acknowledged event has one effect";
    worker_killed::one_in_hand("rabbitmq") = "worker-killed-rabbitmq": "SIGKILL of the worker that has one event in hand at a time: every acknowledged event has one effect";
    worker_killed::one_in_hand("jetstream") = "worker-killed-jetstream": "SIGKILL of the worker that has one event in hand at a time: every acknowledged event has one effect";
    worker_killed::one_in_hand("snssqs") = "worker-killed-snssqs": "SIGKILL of the worker that has one event in hand at a time: every acknowledged event has one effect";
    worker_killed::one_in_hand("gcp") = "worker-killed-gcp": "SIGKILL of the worker that has one event in hand at a time: every acknowledged event has one effect";
    worker_killed::several_in_hand("redis") = "worker-killed-in-parallel-redis": "SIGKILL of the worker that has several events in hand: one effect for each that its sidecar does not take for handled";
    worker_killed::several_in_hand("gcp") = "worker-killed-in-parallel-gcp": "SIGKILL of the worker that has several events in hand: one effect for each that its sidecar does not take for handled";
    crashes::worker_sidecar("redis") = "worker-sidecar-killed-redis": "SIGKILL of the worker's sidecar: every acknowledged event has one effect";
    crashes::worker_sidecar("kafka") = "worker-sidecar-killed-kafka": "SIGKILL of the worker's sidecar: every acknowledged event has one effect";
    crashes::worker_sidecar("rabbitmq") = "worker-sidecar-killed-rabbitmq": "SIGKILL of the worker's sidecar: every acknowledged event has one effect";
    crashes::worker_sidecar("jetstream") = "worker-sidecar-killed-jetstream": "SIGKILL of the worker's sidecar: every acknowledged event has one effect";
    crashes::api_sidecar("redis") = "publisher-sidecar-killed": "SIGKILL of the publisher's sidecar: 200, or 503/504 with Retry-After; one effect each";
    crashes::broker("redis") = "redis-restarted": "SIGKILL and restart of Redis, broker and state store: 200, or 503/504 with Retry-After; one effect each";
    crashes::broker("kafka") = "kafka-restarted": "restart of Kafka: 200, or 503/504 with Retry-After; one effect each";
    crashes::broker("rabbitmq") = "rabbitmq-restarted": "SIGKILL and restart of the broker: 200, or 503/504 with Retry-After; one effect each";
    crashes::broker("jetstream") = "jetstream-restarted": "SIGKILL and restart of the broker: 200, or 503/504 with Retry-After; one effect each";
    outage::state_store("kafka") = "state-store-away": "the state store is away for longer than retries last: events wait in the broker";
    broker_change::there_and_back("redis", "kafka") = "broker-change": "Redis to Kafka and back at 500 events/s: nothing lost, doubled or refused";
    broker_change::there_and_back("kafka", "rabbitmq") = "broker-change-rabbitmq": "Kafka to RabbitMQ and back at 500 events/s: nothing lost, doubled or refused";
    broker_change::to_a_dead_broker() = "dead-new-broker": "a new broker that is dead stops the rollout, the old path goes on, and the message says why";
    probe::preflight("redis") = "preflight-redis": "canaries prove the way to every subscriber without an effect; without the subscriber, preflight fails and names it";
    probe::preflight("kafka") = "preflight-kafka": "canaries prove the way to every subscriber without an effect; without the subscriber, preflight fails and names it";
    probe::dead_broker() = "preflight-dead-broker": "a new broker that is dead fails preflight, which names the component";
    probe::smoke() = "smoke": "a task through the API has its effect; without the subscriber, smoke fails and names it";
    shutdown::rolling_update("redis") = "sigterm-redis": "SIGTERM under load: nothing lost or refused, ended within the grace period";
    shutdown::rolling_update("kafka") = "sigterm-kafka": "SIGTERM under load: nothing lost or refused, ended within the grace period";
    bad_input::crowd() = "crowd": "10,000 requests at once: 200 or the documented problem, memory bounded";
    bad_input::slow_drip() = "slow-drip": "bodies that drip get 408 while others are served";
    idempotency::same_key() = "idempotency-key": "the same key, at once and after a restart: one id, one effect";
};

/// Long enough for everything that is redelivered after a crash with these timings, and then some.
const SETTLE_DEADLINE: Duration = Duration::from_mins(2);

/// A second effect would come by then: longer than the retry interval and the lease.
const QUIET: Duration = Duration::from_secs(5);

impl Scenario {
    /// The brokers that it needs beside Redis: all that its arguments name.
    pub fn brokers(&self) -> impl Iterator<Item = &'static str> {
        let arguments = self.arguments.iter().copied();
        arguments.filter(|argument| ENTRIES.contains(argument))
    }
}

/// Brokers that drop what is published before the first subscriber has bound something to keep it in.
const FORGETFUL: [&str; 3] = ["rabbitmq", "snssqs", "gcp"];

/// Sidecars, a canary, an answer.
const PREFLIGHT: &str = "1m";

impl Setup {
    /// A stack with short timings, so that what waits for a timeout can be waited for.
    fn options(&self) -> StackOptions {
        let mut options = StackOptions::new(
            self.toolbox.clone(),
            self.api.clone(),
            App::Binary(self.worker.clone()),
        );
        options.probe = Some(self.probe.clone());
        options.keep = self.keep;
        options.values = json!({
            "delivery": {"handlerTimeout": "1s", "retry": {"interval": "500ms", "maxRetries": 20}, "lease": "3s"},
        });
        options
    }

    fn with_broker(&self, broker: &str) -> StackOptions {
        self.with_brokers(broker, &[])
    }

    /// With `standby` to change to.
    fn with_brokers(&self, broker: &str, standby: &[&str]) -> StackOptions {
        let mut options = self.options();
        broker.clone_into(&mut options.broker);
        options.standby = standby.iter().map(|&entry| entry.to_owned()).collect();
        let forgetful = FORGETFUL
            .iter()
            .any(|it| *it == broker || standby.contains(it));
        let preflight = json!({"enabled": forgetful, "deadline": PREFLIGHT});
        merge(&mut options.values, &json!({"preflight": preflight}));
        options
    }

    /// A stack on which events can be published: on a forgetful broker, only when a canary has got through.
    async fn start(&self, options: StackOptions) -> Result<Stack> {
        let stack = Stack::start(options).await?;
        stack.preflight().await?;
        Ok(stack)
    }
}

/// Events a second that a broker carries here with room to spare. In a sidecar's RabbitMQ component a publish waits for the
/// confirm of the one before; moto is a Python program that does a dozen requests for each event.
fn rate(broker: &str, wanted: u32) -> u32 {
    match broker {
        "rabbitmq" => wanted.min(200),
        "snssqs" => wanted.min(20),
        _ => wanted,
    }
}

/// Waits until every acknowledged event has its effect, or cannot have it any more, then counts.
async fn settled(stack: &Stack, ledger: &Ledger) -> Result<Count> {
    settled_but(stack, ledger, || 0).await
}

/// The same where so many events may be missing for good, which can depend on what has come to light meanwhile.
async fn settled_but(stack: &Stack, ledger: &Ledger, lost: impl Fn() -> usize) -> Result<Count> {
    let mut log = WorkerLog::new(&stack.worker_log());
    let all = log
        .wait("every acknowledged event", SETTLE_DEADLINE, |effects| {
            let missing = ledger.missing(effects).len();
            missing == 0 || missing <= lost()
        })
        .await;
    if all.is_err() {
        let whereabouts = whereabouts(stack, &ledger.missing(log.effects())).await;
        let logs = stack.keep_logs()?;
        bail!(
            "{}; {whereabouts}; logs are in {}",
            ledger.total(log.effects()),
            logs.display()
        );
    }
    log.settle(QUIET).await?;
    stack.check()?;
    Ok(ledger.total(log.effects()))
}

/// What became of events without an effect. Those in the dead letters were tried in vain; of others the sidecars' logs tell.
async fn whereabouts(stack: &Stack, lost: &[Uuid]) -> String {
    let letters = async {
        let topic = stack.dead_letter_topic(stack.broker())?;
        anyhow::Ok(stack.read_topic(stack.broker(), topic).await?.concat())
    };
    let first = lost.first().map(ToString::to_string).unwrap_or_default();
    match letters.await {
        Ok(letters) => {
            let dead = lost.iter().filter(|id| letters.contains(&id.to_string()));
            format!(
                "{} of them in the dead letters, the first is {first}",
                dead.count()
            )
        }
        Err(error) => format!("the first is {first}; no look into the dead letters: {error:#}"),
    }
}

/// Fails unless every acknowledged event had exactly one effect.
fn exactly_once(count: &Count) -> Result<String> {
    let figures = count.to_string();
    ensure!(
        count.acknowledged > 0 && count.lost == 0 && count.duplicated_effects == 0,
        "{figures}"
    );
    Ok(figures)
}

/// Fails unless, in addition, no publish failed.
fn perfect(count: &Count, ledger: &Ledger) -> Result<String> {
    let figures = exactly_once(count)?;
    ensure!(
        count.is_perfect(),
        "{figures}; the first failure: {:?}",
        ledger.failures().first()
    );
    Ok(figures)
}
