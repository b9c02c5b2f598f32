//! `drain`, on Redis.

use std::net::TcpListener;

use crate::redis::Redis;
use crate::{Ended, component, gate, subscription, write};

const STREAM: &str = "task-events";

fn drain(address: &str, args: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let objects = [
        component("pubsub-redis", address),
        subscription("w", "pubsub-redis", STREAM),
    ];
    let objects = write(folder.path(), &objects);
    let args = [
        &[
            "drain",
            "--objects",
            &objects,
            "--stable",
            "0s",
            "--timeout",
            "500ms",
        ],
        args,
    ]
    .concat();
    gate(&args, &[])
}

fn figures(ended: &Ended) -> serde_json::Value {
    let rows: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    rows[0].clone()
}

#[test]
fn a_stream_that_is_not_there_is_drained_and_one_that_nobody_has_read_is_not() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    let ended = drain(&redis.address(), &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains("drained"), "{ended:?}");

    redis.fill(STREAM, 1, 3);
    redis.fill("task-events-dead-letter", 1, 2);
    let ended = drain(&redis.address(), &["--json"]);
    let row = figures(&ended);
    assert_eq!(
        (ended.code, &row["backlog"], &row["deadLetters"]),
        (1, &3.into(), &2.into())
    );
    assert!(
        ended.err.starts_with(
            "not drained: 3 events of task-events wait for task-worker, the oldest for "
        ),
        "{ended:?}"
    );
}

#[test]
fn what_is_in_hand_is_not_drained_and_dead_letters_do_not_hinder() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    redis.fill(STREAM, 1, 5);
    redis.fill("task-events-dead-letter", 1, 2);
    redis.ask(&format!("XGROUP CREATE {STREAM} task-worker 0"));
    redis.take(STREAM, "task-worker", 2);
    let row = figures(&drain(&redis.address(), &["--json"]));
    assert_eq!((&row["backlog"], &row["pending"]), (&3.into(), &2.into()));
    redis.take(STREAM, "task-worker", 3);
    redis.ask(&format!("XACK {STREAM} task-worker 1-0 2-0 3-0 4-0"));
    let ended = drain(&redis.address(), &[]);
    assert!(
        ended
            .sentence()
            .starts_with("not drained: 1 event of task-events waits for task-worker, for "),
        "{ended:?}"
    );
    redis.ask(&format!("XACK {STREAM} task-worker 5-0"));
    assert_eq!(drain(&redis.address(), &[]).code, 0);
}

#[test]
fn it_is_counted_where_redis_does_not_know() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    redis.fill(STREAM, 1, 20);
    redis.ask(&format!("XGROUP CREATE {STREAM} task-worker 0"));
    redis.take(STREAM, "task-worker", 1);
    redis.ask(&format!("XDEL {STREAM} 10-0"));
    let row = figures(&drain(&redis.address(), &["--json"]));
    assert_eq!((&row["backlog"], &row["pending"]), (&18.into(), &1.into()));
}

#[test]
fn nobody_there_silence_and_a_wrong_password_are_unknown_within_the_deadline() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().to_string();
    let ended = drain(&silent, &[]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.sentence().ends_with(&format!(
            "waits for task-worker: {silent} did not answer within 500ms"
        )),
        "{ended:?}"
    );
    let ended = drain("127.0.0.1:1", &[]);
    assert!(
        ended
            .sentence()
            .ends_with("127.0.0.1:1 refuses connections"),
        "{ended:?}"
    );
    let Some(redis) = Redis::start(&["--requirepass", "sesame"]) else {
        return;
    };
    let ended = drain(&redis.address(), &[]);
    assert!(ended.sentence().contains("NOAUTH"), "{ended:?}");
}

#[test]
fn only_one_component_may_be_asked_about_and_it_must_be_there() {
    let ended = drain("127.0.0.1:1", &["--only", "pubsub-kafka"]);
    assert_eq!(ended.code, 64);
    assert_eq!(
        ended.err.trim(),
        "GATE_ONLY: there is no pub/sub Component pubsub-kafka here"
    );
}
