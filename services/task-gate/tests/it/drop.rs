//! `guard --phase drop`: what the commit drops is still there.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::cluster::{Cluster, workload};
use crate::redis::Redis;
use crate::{Ended, component, subscription};

fn plan() -> [serde_json::Value; 1] {
    [component("pubsub-kafka", "kafka:9092")]
}

/// Redis is live and not in the plan.
fn dropping(redis: &str) -> Cluster {
    Cluster::with(
        &[
            component("pubsub-redis", redis),
            component("pubsub-kafka", "kafka:9092"),
        ],
        &[subscription("w", "pubsub-redis", "task-events")],
    )
}

fn drop_redis(cluster: &Cluster, args: &[&str]) -> Ended {
    cluster.guard("drop", &plan(), &[], args)
}

#[test]
fn nothing_dropped_ends_at_once() {
    let cluster = Cluster::with(&plan(), &[]);
    let started = Instant::now();
    let ended = drop_redis(&cluster, &[]);
    assert_eq!((ended.code, ended.sentence()), (0, "nothing is dropped"));
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(cluster.asked().len(), 2);
}

#[test]
fn a_broker_with_a_backlog_stays_until_it_is_drained_or_forced() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let cluster = dropping(&redis.address());
    redis.fill("task-events", 1, 4);
    let ended = drop_redis(&cluster, &[]);
    assert_eq!(ended.code, 1);
    let sentence = ended.sentence();
    assert!(
        sentence.starts_with("pubsub-redis cannot be dropped: 4 events of task-events wait for task-worker, the oldest for "),
        "{ended:?}"
    );
    assert!(
        sentence.ends_with(
            ". Nothing was removed; keep redis in broker.subscribe until they are handled, or set guard.force (they are then lost)"
        ),
        "{ended:?}"
    );

    let forced = drop_redis(&cluster, &["--force"]);
    assert_eq!(
        (forced.code, forced.sentence()),
        (0, "guard.force is set: 4 events will be lost")
    );
    assert!(forced.out.contains("component     topic"), "{forced:?}");

    redis.ask("DEL task-events");
    let ended = drop_redis(&cluster, &[]);
    assert_eq!(ended.code, 0);
    assert_eq!(
        ended.sentence(),
        "nobody publishes to it and nothing waits in it: it may go"
    );
}

#[test]
fn a_broker_that_cannot_be_asked_is_not_drained() {
    let ended = drop_redis(&dropping("127.0.0.1:1"), &[]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.sentence().starts_with(
            "pubsub-redis cannot be dropped: it is not known what of task-events waits for task-worker: 127.0.0.1:1 refuses connections."
        ),
        "{ended:?}"
    );
    assert_eq!(drop_redis(&dropping("127.0.0.1:1"), &["--force"]).code, 0);
}

#[test]
fn a_deployment_that_publishes_is_refused_at_once_and_pods_are_waited_for() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let cluster = dropping(&redis.address());
    let env = [("PUBSUB_NAME", "pubsub-redis")];
    cluster.set("deployments", &[workload("task-api", None, &env)]);
    let ended = drop_redis(&cluster, &["--wait", "1h"]);
    assert_eq!(
        ended.sentence(),
        "pubsub-redis cannot be dropped: the Deployment task-api publishes to it. Keep redis in broker.subscribe, and drop it in a \
         commit of its own"
    );

    cluster.set("deployments", &[]);
    cluster.set(
        "pods",
        &[
            workload("task-api-1", Some("Running"), &env),
            workload("smoke", Some("Succeeded"), &env),
        ],
    );
    let ended = drop_redis(&cluster, &[]);
    assert!(
        ended.sentence().starts_with("pubsub-redis cannot be dropped: the pod task-api-1 still publishes to it. Nothing was removed;"),
        "{ended:?}"
    );
    let ended = std::thread::scope(|scope| {
        let ended = scope.spawn(|| drop_redis(&cluster, &["--wait", "30s"]));
        while cluster
            .asked()
            .iter()
            .filter(|path| path.contains("/pods?"))
            .count()
            < 5
        {
            std::thread::yield_now();
        }
        cluster.set("pods", &[]);
        ended.join().unwrap()
    });
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.out.contains("waiting: the pod task-api-1 to end"),
        "{ended:?}"
    );
}

#[test]
fn another_releases_broker_is_not_ours_to_drop() {
    let mut theirs = component("pubsub-theirs", "127.0.0.1:1");
    theirs["scopes"] = json!(["shop-api", "shop-worker"]);
    let mut heard = subscription("s", "pubsub-theirs", "orders");
    heard["scopes"] = json!(["shop-worker"]);
    let ours = component("pubsub-kafka", "kafka:9092");
    let cluster = Cluster::with(&[ours, theirs], &[heard]);
    let ours = drop_redis(&cluster, &["--apps", "task-api,task-worker"]);
    assert_eq!((ours.code, ours.sentence()), (0, "nothing is dropped"));
    assert_eq!(drop_redis(&cluster, &[]).code, 1);
}

#[test]
fn a_cluster_that_does_not_answer_is_a_sentence() {
    let cluster = dropping("127.0.0.1:1");
    cluster.answer("pods", 500, json!({"message": "etcd is\naway"}));
    let ended = drop_redis(&cluster, &[]);
    assert_eq!(ended.code, 1);
    assert_eq!(
        ended.sentence(),
        "the Kubernetes API answers 500 to the list of pods in shop: etcd is away"
    );
}
