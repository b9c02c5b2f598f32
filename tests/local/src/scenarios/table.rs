//! The table of the scenarios: what runs by default, and what takes long.

use harness::scenario::{self, Weight};

use super::{Setup, away, broker_change, crashes, edits, flow, languages, probe, requests};

/// A promise and the run that proves it.
pub type Scenario = scenario::Scenario<Setup>;

macro_rules! scenarios {
    ($($weight:ident $module:ident :: $name:ident($($broker:literal),* $(; $more:literal)?) = $title:literal: $promise:literal;)*) => {
        &[$(Scenario {
            name: $title,
            promise: $promise,
            weight: Weight::$weight,
            needs: &[$($broker),*],
            run: |setup| Box::pin($module::$name(setup, $($broker,)* $($more)?)),
        }),*]
    };
}

/// Every scenario. Those that take longest come first, so that none of them is alone at the end.
pub const ALL: &[Scenario] = scenarios! {
    Load crashes::of_everything("kafka") = "crashes-kafka": "the worker, its sidecar, both, the state store and Kafka die or restart under load, and the worker stands still: every acknowledged event has one effect";
    Load crashes::of_everything("rabbitmq") = "crashes-rabbitmq": "the worker, its sidecar and RabbitMQ die under load, and the worker stands still: every acknowledged event has one effect, but for the one that no broker had confirmed";
    Load crashes::of_everything("jetstream") = "crashes-jetstream": "the worker, its sidecar and NATS die under load, and the worker stands still: every acknowledged event has one effect";
    Load crashes::of_everything("redis") = "crashes-redis": "the worker, either sidecar and Redis die under load, and the worker stands still: every acknowledged event has one effect";
    Load edits::under_load("kafka") = "edits-kafka": "edits of Subscription and Component, and a kill of the broker while the worker stands still: soon heard again, nothing lost or doubled";
    Load broker_change::there_and_back("kafka", "rabbitmq") = "broker-change-kafka-rabbitmq": "Kafka to RabbitMQ and back under load, with SIGTERM to every pod: nothing lost, doubled or refused, ended within the grace period";
    Load broker_change::there_and_back("redis", "kafka") = "broker-change-redis-kafka": "Redis to Kafka and back under load, with SIGTERM to every pod: nothing lost, doubled or refused, ended within the grace period";
    Load crashes::of_the_worker("snssqs") = "worker-killed-snssqs": "SIGKILL of the worker with its hands full: every acknowledged event has one effect";
    Load crashes::of_the_worker("gcp") = "worker-killed-gcp": "SIGKILL of the worker with its hands full: every acknowledged event has one effect";
    Load crashes::of_the_worker_by_http("gcp") = "worker-killed-http-gcp": "the same by HTTP, which loses nothing with one event in hand at a time";
    Load requests::all_at_once() = "overload": "10,000 requests at once: 200 or the documented problem, memory bounded";
    Light broker_change::to_a_dead_broker() = "dead-new-broker": "a new broker that is dead fails preflight and stops the rollout, the messages say why, and the old path goes on";
    Light probe::jobs("kafka"; "native") = "probe-kafka": "preflight and smoke prove the way to every subscriber; without the subscriber they fail and name it";
    Light probe::jobs("redis"; "block") = "probe-redis": "the same with ordinary sidecars";
    Light flow::through("kafka", "kafka-python") = "flow-kafka": "the tutorial's request; records with any bytes in key and headers; unbroken traces; what cannot be read, or not be done, in the dead letters; n+1 deliveries for n RETRYs";
    Light flow::through("rabbitmq"; "") = "flow-rabbitmq": "the same, and events of 3.5 MiB and attributes that are not ASCII";
    Light flow::through("redis"; "") = "flow-redis": "the same, and events of 3.5 MiB and attributes that are not ASCII";
    Light flow::through("jetstream"; "") = "flow-jetstream": "as on Kafka";
    Light flow::through("snssqs"; "") = "flow-snssqs": "as on Kafka";
    Light flow::through("gcp"; "") = "flow-gcp": "as on Kafka";
    Light languages::of_others("fastapi", "go", "node", "rabbitmq") = "languages": "the tutorial's two apps in Python, ours behind its publisher, and subscribers in Go and JavaScript behind ours: each event once, with everything that LANGUAGES.md says";
    Light requests::one_by_one("schemathesis") = "requests": "with a worker that lists its subscription: the tutorial's request, one effect for one Idempotency-Key, 408 for bodies that drip, and the API as it is described";
    // These take an hour together: everything of which CI runs a short form, and more.
    Light away::of_any_length("redis") = "long-away-redis": "the worker stands still or is killed, and is away for 1, 5, 20 and 90 s, ten times each: nothing lost, doubled, refused or dead, and soon caught up";
    Light away::of_any_length("kafka") = "long-away-kafka": "the worker stands still or is killed, and is away for 1, 5, 20 and 90 s, ten times each: nothing lost, doubled, refused or dead, and soon caught up";
    Light away::of_any_length("rabbitmq") = "long-away-rabbitmq": "the worker stands still or is killed, and is away for 1, 5, 20 and 90 s, ten times each: nothing lost, doubled, refused or dead, and soon caught up";
    Light away::of_any_length("jetstream") = "long-away-jetstream": "the worker stands still or is killed, and is away for 1, 5, 20 and 90 s, ten times each: nothing lost, doubled, refused or dead, and soon caught up";
    Light away::ten_minutes("redis") = "long-away-redis-10m": "the worker is killed and away for ten minutes: nothing lost, doubled, refused or dead";
    Light away::ten_minutes("kafka") = "long-away-kafka-10m": "the worker is killed and away for ten minutes: nothing lost, doubled, refused or dead";
    Light crashes::of_worker_and_sidecar("redis") = "long-restarts-redis": "worker and sidecar are killed and come back one after the other, in both orders: every acknowledged event has one effect";
    Light crashes::of_worker_and_sidecar("rabbitmq") = "long-restarts-rabbitmq": "worker and sidecar are killed and come back one after the other, in both orders: every acknowledged event has one effect";
    Light crashes::of_worker_and_sidecar("jetstream") = "long-restarts-jetstream": "worker and sidecar are killed and come back one after the other, in both orders: every acknowledged event has one effect";
    Light crashes::of_the_state_store_for_long("kafka") = "long-state-store-away-kafka": "the state store is away for five minutes: events wait in the broker, and none is dead-lettered";
    Light crashes::of_the_state_store_for_long("rabbitmq") = "long-state-store-away-rabbitmq": "the state store is away for five minutes: events wait in the broker, and none is dead-lettered";
    Light crashes::of_the_state_store_for_long("jetstream") = "long-state-store-away-jetstream": "the state store is away for five minutes: events wait in the broker, and none is dead-lettered";
};
