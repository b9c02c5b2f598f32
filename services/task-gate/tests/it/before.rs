//! `guard --phase before`: nothing of the commit has been applied.

use std::slice::from_ref;

use serde_json::json;

use crate::cluster::{Cluster, workload};
use crate::redis::Redis;
use crate::{component, subscription};

#[test]
fn an_ordinary_commit_passes() {
    let (redis, worker) = (
        component("pubsub-redis", "redis:6379"),
        subscription("w", "pubsub-redis", "t"),
    );
    let cluster = Cluster::with(from_ref(&redis), from_ref(&worker));
    let ended = cluster.guard("before", &[redis], &[worker], &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(
        ended.sentence(),
        "no broker and no Subscription changes in place"
    );
    assert!(cluster.asked().iter().all(|path| {
        path.contains("labelSelector=app%2Ekubernetes%2Eio%2Fpart%2Dof%3Dtask%2Dpubsub")
    }));
    assert_eq!(cluster.asked().len(), 2);
}

#[test]
fn an_empty_cluster_passes_without_daprs_definitions() {
    let ended = Cluster::default().guard(
        "before",
        &[component("pubsub-redis", "redis:6379")],
        &[],
        &[],
    );
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_secret_that_is_missing_comes_first() {
    let mut redis = component("pubsub-redis", "redis:6379");
    redis["spec"]["metadata"] =
        json!([{"name": "redisPassword", "secretKeyRef": {"name": "login", "key": "p"}}]);
    let ended = Cluster::default().guard("before", &[redis], &[], &["--force"]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.sentence().starts_with("Secret \"login\" is missing"),
        "{ended:?}"
    );
}

#[test]
fn a_component_that_becomes_another_broker_is_refused_unless_forced() {
    let cluster = Cluster::with(&[component("pubsub-redis", "a:6379")], &[]);
    let plan = [component("pubsub-redis", "b:6379")];
    let ended = cluster.guard("before", &plan, &[], &[]);
    assert_eq!(ended.code, 1);
    assert_eq!(
        ended.sentence(),
        "pubsub-redis would become another broker under running sidecars (redisHost: a:6379 -> b:6379): add a new entry to brokers \
         and move to it"
    );
    assert_eq!(cluster.guard("before", &plan, &[], &["--force"]).code, 0);
}

#[test]
fn a_right_that_is_missing_names_verb_resource_and_role() {
    let cluster = Cluster::with(&[], &[]);
    cluster.answer(
        "components",
        403,
        json!({"message": "components.dapr.io is forbidden"}),
    );
    let ended = cluster.guard("before", &[], &[], &["--role", "tasks-gate"]);
    assert_eq!(ended.code, 1);
    assert_eq!(
        ended.sentence(),
        "the guard may not list components of the group dapr.io in the namespace shop: the Role tasks-gate must allow it the verb \
         `list` there"
    );
}

#[test]
fn a_subscription_that_moves_to_another_topic_leaves_nothing_behind() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let broker = component("pubsub-redis", &redis.address());
    let (old, new) = (
        subscription("w", "pubsub-redis", "old"),
        subscription("w", "pubsub-redis", "new"),
    );
    let cluster = Cluster::with(from_ref(&broker), &[old]);
    let before = || cluster.guard("before", from_ref(&broker), from_ref(&new), &[]);
    assert_eq!(before().code, 0);
    redis.fill("old", 1, 2);
    let ended = before();
    assert!(
        ended.sentence().starts_with(
            "old of pubsub-redis cannot be dropped: 2 events of old wait for task-worker"
        ),
        "{ended:?}"
    );
    cluster.set(
        "deployments",
        &[workload(
            "task-api",
            None,
            &[("PUBSUB_NAME", "pubsub-redis"), ("TOPIC", "old")],
        )],
    );
    let ended = before();
    assert!(
        ended.sentence().starts_with(
            "old of pubsub-redis cannot be dropped: the Deployment task-api publishes to it."
        ),
        "{ended:?}"
    );
}

#[test]
fn a_broker_that_a_worker_lists_itself_is_tested_before_the_worker_forgets_it() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    redis.fill("t", 1, 2);
    let cluster = Cluster::with(&[component("pubsub-redis", &redis.address())], &[]);
    let before = || cluster.guard("before", &[component("pubsub-kafka", "x")], &[], &[]);
    assert_eq!(before().code, 0);
    let env = [
        ("SUBSCRIPTION_MODE", "programmatic"),
        ("PUBSUB_NAMES", "pubsub-redis"),
        ("TOPIC", "t"),
    ];
    cluster.set("deployments", &[workload("task-worker", None, &env)]);
    let ended = before();
    assert!(
        ended
            .sentence()
            .starts_with("pubsub-redis cannot be dropped: 2 events of t wait for task-worker"),
        "{ended:?}"
    );
}
