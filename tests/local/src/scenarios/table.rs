//! The table of the scenarios: what runs by default, and what takes long.

use harness::scenario::{self, Weight};

use super::{
    Setup, answers, away, bad_input, broker_change, crashes, edits, idempotency, outage, payloads,
    probe, shutdown, trace, tutorial, worker_killed,
};

/// A promise and the run that proves it.
pub type Scenario = scenario::Scenario<Setup>;

macro_rules! scenarios {
    ($($weight:ident $module:ident :: $name:ident($($argument:expr),*) = $title:literal: $promise:literal;)*) => {
        &[$(Scenario {
            name: $title,
            promise: $promise,
            weight: Weight::$weight,
            needs: &[$($argument),*],
            run: |setup| Box::pin($module::$name(setup, $($argument),*)),
        }),*]
    };
}

/// Every scenario, in the order of README and GUARANTEES.
pub const ALL: &[Scenario] = scenarios! {
    Light tutorial::request("redis", "declarative") = "tutorial-declarative": "the tutorial's request gets its three fields, and the worker's log its line";
    Light tutorial::request("redis", "programmatic") = "tutorial-programmatic": "the same when the worker itself lists the subscription";
    Light tutorial::request("rabbitmq", "declarative") = "tutorial-rabbitmq": "the tutorial's request and the worker's line, on this broker";
    Light tutorial::request("jetstream", "declarative") = "tutorial-jetstream": "the tutorial's request and the worker's line, on this broker";
    Light tutorial::request("snssqs", "declarative") = "tutorial-snssqs": "the tutorial's request and the worker's line, on this broker";
    Light tutorial::request("gcp", "declarative") = "tutorial-gcp": "the tutorial's request and the worker's line, on this broker";
    Light trace::unbroken("redis") = "trace-redis": "one W3C trace from the request through sidecars and broker to the worker's span";
    Light trace::unbroken("kafka") = "trace-kafka": "one W3C trace from the request through sidecars and broker to the worker's span";
    Light answers::retried("redis") = "retry-redis": "RETRY n times, then SUCCESS: n+1 deliveries, one effect; RETRY for longer than the budget: dead-lettered, and the others go on";
    Light answers::retried("kafka") = "retry-kafka": "RETRY n times, then SUCCESS: n+1 deliveries, one effect; RETRY for longer than the budget: dead-lettered, and the others go on";
    Light answers::retried("rabbitmq") = "retry-rabbitmq": "RETRY n times, then SUCCESS: n+1 deliveries, one effect; RETRY for longer than the budget: dead-lettered, and the others go on";
    Light answers::retried("jetstream") = "retry-jetstream": "RETRY n times, then SUCCESS: n+1 deliveries, one effect; RETRY for longer than the budget: dead-lettered, and the others go on";
    Light answers::retried("snssqs") = "retry-snssqs": "RETRY n times, then SUCCESS: n+1 deliveries, one effect; RETRY for longer than the budget: dead-lettered, and the others go on";
    Light answers::retried("gcp") = "retry-gcp": "RETRY n times, then SUCCESS: n+1 deliveries, one effect; RETRY for longer than the budget: dead-lettered, and the others go on";
    Light answers::dead_letters("redis") = "dead-letters-redis": "dropped and undecodable events are in the dead-letter topic at once";
    Light answers::dead_letters("kafka") = "dead-letters-kafka": "dropped and undecodable events are in the dead-letter topic at once";
    Light answers::dead_letters("rabbitmq") = "dead-letters-rabbitmq": "dropped and undecodable events are in the dead-letter topic at once";
    Light answers::dead_letters("jetstream") = "dead-letters-jetstream": "dropped and undecodable events are in the dead-letter topic at once";
    Light answers::dead_letters("snssqs") = "dead-letters-snssqs": "dropped and undecodable events are in the dead-letter topic at once";
    Light answers::dead_letters("gcp") = "dead-letters-gcp": "dropped and undecodable events are in the dead-letter topic at once";
    Load worker_killed::by_grpc("redis") = "worker-killed-redis": "SIGKILL of the worker with as much in hand as the broker gives out, up to 64: every acknowledged event has one effect";
    Load worker_killed::by_grpc("kafka") = "worker-killed-kafka": "SIGKILL of the worker with as much in hand as the broker gives out, up to 64: every acknowledged event has one effect";
    Load worker_killed::by_grpc("rabbitmq") = "worker-killed-rabbitmq": "SIGKILL of the worker with as much in hand as the broker gives out, up to 64: every acknowledged event has one effect";
    Load worker_killed::by_grpc("jetstream") = "worker-killed-jetstream": "SIGKILL of the worker with as much in hand as the broker gives out, up to 64: every acknowledged event has one effect";
    Load worker_killed::by_grpc("snssqs") = "worker-killed-snssqs": "SIGKILL of the worker with as much in hand as the broker gives out, up to 64: every acknowledged event has one effect";
    Load worker_killed::by_grpc("gcp") = "worker-killed-gcp": "SIGKILL of the worker with as much in hand as the broker gives out, up to 64: every acknowledged event has one effect";
    Load worker_killed::one_by_http("gcp") = "worker-killed-http-gcp": "the same by HTTP, which loses nothing with one event in hand at a time";
    Load away::for_seconds("kafka") = "away-kafka": "the worker stands still for 5 s six times at 200 events/s: nothing lost, doubled, refused or dead, and soon caught up";
    Load away::for_seconds("redis") = "away-redis": "the worker stands still for 20 s: nothing lost, doubled, refused or dead, and soon caught up";
    Load away::for_seconds("rabbitmq") = "away-rabbitmq": "the worker stands still for 20 s: nothing lost, doubled, refused or dead, and soon caught up";
    Load away::for_seconds("jetstream") = "away-jetstream": "the worker stands still for 20 s: nothing lost, doubled, refused or dead, and soon caught up";
    Load crashes::restarts("kafka") = "restarts-kafka": "worker and sidecar are killed and come back one after the other, in both orders: every acknowledged event has one effect";
    Load edits::under_load("kafka") = "edits-kafka": "edits of Subscription and Component, and a kill of the broker while the worker stands still: soon heard again, nothing lost or doubled";
    Load crashes::worker_sidecar("redis") = "worker-sidecar-killed-redis": "SIGKILL of the worker's sidecar: every acknowledged event has one effect";
    Load crashes::worker_sidecar("kafka") = "worker-sidecar-killed-kafka": "SIGKILL of the worker's sidecar: every acknowledged event has one effect";
    Load crashes::worker_sidecar("rabbitmq") = "worker-sidecar-killed-rabbitmq": "SIGKILL of the worker's sidecar: every acknowledged event has one effect";
    Load crashes::worker_sidecar("jetstream") = "worker-sidecar-killed-jetstream": "SIGKILL of the worker's sidecar: every acknowledged event has one effect";
    Load crashes::api_sidecar("redis") = "publisher-sidecar-killed": "SIGKILL of the publisher's sidecar: 200, or 503/504 with Retry-After; one effect each";
    Load crashes::broker("redis") = "redis-restarted": "SIGKILL and restart of Redis, broker and state store: 200, or 503/504 with Retry-After; one effect each";
    Load crashes::broker("kafka") = "kafka-restarted": "restart of Kafka: 200, or 503/504 with Retry-After; one effect each";
    Load crashes::broker("rabbitmq") = "rabbitmq-restarted": "SIGKILL and restart of the broker: 200, or 503/504 with Retry-After; one effect each";
    Load crashes::broker("jetstream") = "jetstream-restarted": "SIGKILL and restart of the broker: 200, or 503/504 with Retry-After; one effect each";
    Load outage::state_store("kafka") = "state-store-away": "the state store is away for longer than retries last: events wait in the broker, and none is dead-lettered";
    Load broker_change::there_and_back("redis", "kafka") = "broker-change": "Redis to Kafka and back at 500 events/s: nothing lost, doubled or refused";
    Load broker_change::there_and_back("kafka", "rabbitmq") = "broker-change-rabbitmq": "Kafka to RabbitMQ and back at 500 events/s: nothing lost, doubled or refused";
    Load broker_change::to_a_dead_broker() = "dead-new-broker": "a new broker that is dead stops the rollout, the old path goes on, and the message says why";
    Light probe::preflight("redis") = "preflight-redis": "canaries prove the way to every subscriber without an effect; without the subscriber, preflight fails and names it";
    Light probe::preflight("kafka") = "preflight-kafka": "canaries prove the way to every subscriber without an effect; without the subscriber, preflight fails and names it";
    Light probe::dead_broker() = "preflight-dead-broker": "a new broker that is dead fails preflight, which names the component";
    Load probe::smoke() = "smoke": "a task through the API has its effect; without the subscriber, smoke fails and names it";
    Load shutdown::rolling_update("redis") = "sigterm-redis": "SIGTERM under load: nothing lost or refused, ended within the grace period";
    Load shutdown::rolling_update("kafka") = "sigterm-kafka": "SIGTERM under load: nothing lost or refused, ended within the grace period";
    Light payloads::unusual("redis") = "payloads-redis": "attributes that are not ASCII, and 3.5 MiB of data: one effect each";
    Light payloads::unusual("rabbitmq") = "payloads-rabbitmq": "attributes that are not ASCII, and 3.5 MiB of data: one effect each";
    Load bad_input::crowd() = "crowd": "10,000 requests at once: 200 or the documented problem, memory bounded";
    Load bad_input::slow_drip() = "slow-drip": "bodies that drip get 408 while others are served";
    Light idempotency::same_key() = "idempotency-key": "the same key, at once and after a restart: one id, one effect";
};

/// Scenarios that take an hour together: everything of which CI runs a short form, and more.
pub const LONG: &[Scenario] = scenarios! {
    Light away::of_any_length("redis") = "long-away-redis": "the worker stands still or is killed, and is away for 1, 5, 20 and 90 s, ten times each: nothing lost, doubled, refused or dead, and soon caught up";
    Light away::of_any_length("kafka") = "long-away-kafka": "the worker stands still or is killed, and is away for 1, 5, 20 and 90 s, ten times each: nothing lost, doubled, refused or dead, and soon caught up";
    Light away::of_any_length("rabbitmq") = "long-away-rabbitmq": "the worker stands still or is killed, and is away for 1, 5, 20 and 90 s, ten times each: nothing lost, doubled, refused or dead, and soon caught up";
    Light away::of_any_length("jetstream") = "long-away-jetstream": "the worker stands still or is killed, and is away for 1, 5, 20 and 90 s, ten times each: nothing lost, doubled, refused or dead, and soon caught up";
    Light away::ten_minutes("redis") = "long-away-redis-10m": "the worker is killed and away for ten minutes: nothing lost, doubled, refused or dead";
    Light away::ten_minutes("kafka") = "long-away-kafka-10m": "the worker is killed and away for ten minutes: nothing lost, doubled, refused or dead";
    Light crashes::restarts("redis") = "long-restarts-redis": "worker and sidecar are killed and come back one after the other, in both orders: every acknowledged event has one effect";
    Light crashes::restarts("rabbitmq") = "long-restarts-rabbitmq": "worker and sidecar are killed and come back one after the other, in both orders: every acknowledged event has one effect";
    Light crashes::restarts("jetstream") = "long-restarts-jetstream": "worker and sidecar are killed and come back one after the other, in both orders: every acknowledged event has one effect";
    Light outage::state_store_for_long("kafka") = "long-state-store-away-kafka": "the state store is away for five minutes: events wait in the broker, and none is dead-lettered";
    Light outage::state_store_for_long("rabbitmq") = "long-state-store-away-rabbitmq": "the state store is away for five minutes: events wait in the broker, and none is dead-lettered";
    Light outage::state_store_for_long("jetstream") = "long-state-store-away-jetstream": "the state store is away for five minutes: events wait in the broker, and none is dead-lettered";
};
