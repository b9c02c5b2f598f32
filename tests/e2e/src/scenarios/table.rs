//! The table of the scenarios: what runs by default, and what takes long.

use std::pin::Pin;

use anyhow::Result;

use super::{
    Setup, answers, away, bad_input, broker_change, crashes, edits, idempotency, outage, payloads,
    probe, shutdown, trace, tutorial, worker_killed,
};
use crate::local::server::ENTRIES;

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

/// Beginnings of the names of those that put no load on anything and may run beside others.
const MOSTLY_WAITING: [&str; 8] = [
    "long-",
    "tutorial-",
    "trace-",
    "retry-",
    "dead-letters-",
    "preflight-",
    "payloads-",
    "idempotency-key",
];

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
    answers::retried("redis") = "retry-redis": "RETRY n times, then SUCCESS: n+1 deliveries, one effect; RETRY for longer than the budget: dead-lettered, and the others go on";
    answers::retried("kafka") = "retry-kafka": "RETRY n times, then SUCCESS: n+1 deliveries, one effect; RETRY for longer than the budget: dead-lettered, and the others go on";
    answers::retried("rabbitmq") = "retry-rabbitmq": "RETRY n times, then SUCCESS: n+1 deliveries, one effect; RETRY for longer than the budget: dead-lettered, and the others go on";
    answers::retried("jetstream") = "retry-jetstream": "RETRY n times, then SUCCESS: n+1 deliveries, one effect; RETRY for longer than the budget: dead-lettered, and the others go on";
    answers::retried("snssqs") = "retry-snssqs": "RETRY n times, then SUCCESS: n+1 deliveries, one effect; RETRY for longer than the budget: dead-lettered, and the others go on";
    answers::retried("gcp") = "retry-gcp": "RETRY n times, then SUCCESS: n+1 deliveries, one effect; RETRY for longer than the budget: dead-lettered, and the others go on";
    answers::dead_letters("redis") = "dead-letters-redis": "dropped and undecodable events are in the dead-letter topic at once";
    answers::dead_letters("kafka") = "dead-letters-kafka": "dropped and undecodable events are in the dead-letter topic at once";
    answers::dead_letters("rabbitmq") = "dead-letters-rabbitmq": "dropped and undecodable events are in the dead-letter topic at once";
    answers::dead_letters("jetstream") = "dead-letters-jetstream": "dropped and undecodable events are in the dead-letter topic at once";
    answers::dead_letters("snssqs") = "dead-letters-snssqs": "dropped and undecodable events are in the dead-letter topic at once";
    answers::dead_letters("gcp") = "dead-letters-gcp": "dropped and undecodable events are in the dead-letter topic at once";
    worker_killed::by_grpc("redis") = "worker-killed-redis": "SIGKILL of the worker with as much in hand as the broker gives out, up to 64: every acknowledged event has one effect";
    worker_killed::by_grpc("kafka") = "worker-killed-kafka": "SIGKILL of the worker with as much in hand as the broker gives out, up to 64: every acknowledged event has one effect";
    worker_killed::by_grpc("rabbitmq") = "worker-killed-rabbitmq": "SIGKILL of the worker with as much in hand as the broker gives out, up to 64: every acknowledged event has one effect";
    worker_killed::by_grpc("jetstream") = "worker-killed-jetstream": "SIGKILL of the worker with as much in hand as the broker gives out, up to 64: every acknowledged event has one effect";
    worker_killed::by_grpc("snssqs") = "worker-killed-snssqs": "SIGKILL of the worker with as much in hand as the broker gives out, up to 64: every acknowledged event has one effect";
    worker_killed::by_grpc("gcp") = "worker-killed-gcp": "SIGKILL of the worker with as much in hand as the broker gives out, up to 64: every acknowledged event has one effect";
    worker_killed::one_by_http("gcp") = "worker-killed-http-gcp": "the same by HTTP, which loses nothing with one event in hand at a time";
    away::for_seconds("kafka") = "away-kafka": "the worker stands still for 5 s six times at 200 events/s: nothing lost, doubled, refused or dead, and soon caught up";
    away::for_seconds("redis") = "away-redis": "the worker stands still for 20 s: nothing lost, doubled, refused or dead, and soon caught up";
    away::for_seconds("rabbitmq") = "away-rabbitmq": "the worker stands still for 20 s: nothing lost, doubled, refused or dead, and soon caught up";
    away::for_seconds("jetstream") = "away-jetstream": "the worker stands still for 20 s: nothing lost, doubled, refused or dead, and soon caught up";
    crashes::restarts("kafka") = "restarts-kafka": "worker and sidecar are killed and come back one after the other, in both orders: every acknowledged event has one effect";
    edits::under_load("kafka") = "edits-kafka": "edits of Subscription and Component, and a kill of the broker while the worker stands still: soon heard again, nothing lost or doubled";
    crashes::worker_sidecar("redis") = "worker-sidecar-killed-redis": "SIGKILL of the worker's sidecar: every acknowledged event has one effect";
    crashes::worker_sidecar("kafka") = "worker-sidecar-killed-kafka": "SIGKILL of the worker's sidecar: every acknowledged event has one effect";
    crashes::worker_sidecar("rabbitmq") = "worker-sidecar-killed-rabbitmq": "SIGKILL of the worker's sidecar: every acknowledged event has one effect";
    crashes::worker_sidecar("jetstream") = "worker-sidecar-killed-jetstream": "SIGKILL of the worker's sidecar: every acknowledged event has one effect";
    crashes::api_sidecar("redis") = "publisher-sidecar-killed": "SIGKILL of the publisher's sidecar: 200, or 503/504 with Retry-After; one effect each";
    crashes::broker("redis") = "redis-restarted": "SIGKILL and restart of Redis, broker and state store: 200, or 503/504 with Retry-After; one effect each";
    crashes::broker("kafka") = "kafka-restarted": "restart of Kafka: 200, or 503/504 with Retry-After; one effect each";
    crashes::broker("rabbitmq") = "rabbitmq-restarted": "SIGKILL and restart of the broker: 200, or 503/504 with Retry-After; one effect each";
    crashes::broker("jetstream") = "jetstream-restarted": "SIGKILL and restart of the broker: 200, or 503/504 with Retry-After; one effect each";
    outage::state_store("kafka") = "state-store-away": "the state store is away for longer than retries last: events wait in the broker, and none is dead-lettered";
    broker_change::there_and_back("redis", "kafka") = "broker-change": "Redis to Kafka and back at 500 events/s: nothing lost, doubled or refused";
    broker_change::there_and_back("kafka", "rabbitmq") = "broker-change-rabbitmq": "Kafka to RabbitMQ and back at 500 events/s: nothing lost, doubled or refused";
    broker_change::to_a_dead_broker() = "dead-new-broker": "a new broker that is dead stops the rollout, the old path goes on, and the message says why";
    probe::preflight("redis") = "preflight-redis": "canaries prove the way to every subscriber without an effect; without the subscriber, preflight fails and names it";
    probe::preflight("kafka") = "preflight-kafka": "canaries prove the way to every subscriber without an effect; without the subscriber, preflight fails and names it";
    probe::dead_broker() = "preflight-dead-broker": "a new broker that is dead fails preflight, which names the component";
    probe::smoke() = "smoke": "a task through the API has its effect; without the subscriber, smoke fails and names it";
    shutdown::rolling_update("redis") = "sigterm-redis": "SIGTERM under load: nothing lost or refused, ended within the grace period";
    shutdown::rolling_update("kafka") = "sigterm-kafka": "SIGTERM under load: nothing lost or refused, ended within the grace period";
    payloads::unusual("redis") = "payloads-redis": "attributes that are not ASCII, and 3.5 MiB of data: one effect each";
    payloads::unusual("rabbitmq") = "payloads-rabbitmq": "attributes that are not ASCII, and 3.5 MiB of data: one effect each";
    bad_input::crowd() = "crowd": "10,000 requests at once: 200 or the documented problem, memory bounded";
    bad_input::slow_drip() = "slow-drip": "bodies that drip get 408 while others are served";
    idempotency::same_key() = "idempotency-key": "the same key, at once and after a restart: one id, one effect";
};

/// Scenarios that take an hour together: everything of which CI runs a short form, and more.
pub const LONG: &[Scenario] = scenarios! {
    away::of_any_length("redis") = "long-away-redis": "the worker stands still or is killed, and is away for 1, 5, 20 and 90 s, ten times each: nothing lost, doubled, refused or dead, and soon caught up";
    away::of_any_length("kafka") = "long-away-kafka": "the worker stands still or is killed, and is away for 1, 5, 20 and 90 s, ten times each: nothing lost, doubled, refused or dead, and soon caught up";
    away::of_any_length("rabbitmq") = "long-away-rabbitmq": "the worker stands still or is killed, and is away for 1, 5, 20 and 90 s, ten times each: nothing lost, doubled, refused or dead, and soon caught up";
    away::of_any_length("jetstream") = "long-away-jetstream": "the worker stands still or is killed, and is away for 1, 5, 20 and 90 s, ten times each: nothing lost, doubled, refused or dead, and soon caught up";
    away::ten_minutes("redis") = "long-away-redis-10m": "the worker is killed and away for ten minutes: nothing lost, doubled, refused or dead";
    away::ten_minutes("kafka") = "long-away-kafka-10m": "the worker is killed and away for ten minutes: nothing lost, doubled, refused or dead";
    crashes::restarts("redis") = "long-restarts-redis": "worker and sidecar are killed and come back one after the other, in both orders: every acknowledged event has one effect";
    crashes::restarts("rabbitmq") = "long-restarts-rabbitmq": "worker and sidecar are killed and come back one after the other, in both orders: every acknowledged event has one effect";
    crashes::restarts("jetstream") = "long-restarts-jetstream": "worker and sidecar are killed and come back one after the other, in both orders: every acknowledged event has one effect";
    outage::state_store_for_long("kafka") = "long-state-store-away-kafka": "the state store is away for five minutes: events wait in the broker, and none is dead-lettered";
    outage::state_store_for_long("rabbitmq") = "long-state-store-away-rabbitmq": "the state store is away for five minutes: events wait in the broker, and none is dead-lettered";
    outage::state_store_for_long("jetstream") = "long-state-store-away-jetstream": "the state store is away for five minutes: events wait in the broker, and none is dead-lettered";
};

impl Scenario {
    /// The brokers that it needs beside Redis: all that its arguments name.
    pub fn brokers(&self) -> impl Iterator<Item = &'static str> {
        let arguments = self.arguments.iter().copied();
        arguments.filter(|argument| ENTRIES.contains(argument))
    }

    /// Whether it has little to do, and may run beside others.
    pub fn mostly_waits(&self) -> bool {
        let mut beginnings = MOSTLY_WAITING.iter();
        beginnings.any(|beginning| self.name.starts_with(beginning))
    }
}
