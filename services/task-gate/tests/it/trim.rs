//! `trim`: what every group has acknowledged, never more.

use crate::redis::Redis;
use crate::{Ended, component, gate, subscription, write};

const STREAM: &str = "task-events";

fn trim(redis: &Redis, args: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let objects = [
        component("pubsub-redis", &redis.address()),
        subscription("w", "pubsub-redis", STREAM),
    ];
    let objects = write(folder.path(), &objects);
    gate(&[&["trim", "--objects", &objects], args].concat(), &[])
}

fn first(redis: &Redis) -> String {
    redis.ask(&format!("XRANGE {STREAM} - + COUNT 1"))[0].clone()
}

#[test]
fn a_pending_entry_in_front_keeps_itself_and_all_behind_it() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    redis.fill(STREAM, 1, 10);
    redis.ask(&format!("XGROUP CREATE {STREAM} task-worker 0"));
    redis.take(STREAM, "task-worker", 6);
    redis.ask(&format!("XACK {STREAM} task-worker 1-0 2-0 4-0 5-0 6-0"));
    let rehearsal = trim(&redis, &["--dry-run"]);
    assert!(
        rehearsal
            .out
            .contains("2 of 10 entries would go; 3-0 is still needed"),
        "{rehearsal:?}"
    );
    assert_eq!(first(&redis), "1-0");
    let ended = trim(&redis, &[]);
    assert_eq!(ended.code, 0);
    assert!(
        ended
            .out
            .contains("2 of 10 entries removed; 3-0 is still needed"),
        "{ended:?}"
    );
    assert_eq!(first(&redis), "3-0");
    redis.ask(&format!("XACK {STREAM} task-worker 3-0"));
    trim(&redis, &[]);
    assert_eq!(first(&redis), "7-0");
}

#[test]
fn the_slowest_group_counts_even_when_no_subscription_has_it() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    redis.fill(STREAM, 1, 10);
    redis.ask(&format!("XGROUP CREATE {STREAM} task-worker 10-0"));
    redis.ask(&format!("XGROUP CREATE {STREAM} gone 4-0"));
    let ended = trim(&redis, &[]);
    assert_eq!(first(&redis), "5-0");
    assert!(
        ended
            .out
            .contains("the group gone belongs to no Subscription and holds everything from 4-1 on"),
        "{ended:?}"
    );
}

#[test]
fn what_a_subscriber_has_never_read_stays() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    redis.fill(STREAM, 1, 3);
    redis.fill("task-events-dead-letter", 1, 3);
    let ended = trim(&redis, &[]);
    assert!(
        ended
            .out
            .contains("pubsub-redis task-events: kept 3 entries: nobody has read it yet"),
        "{ended:?}"
    );
    assert!(
        ended
            .out
            .contains("task-events-dead-letter: kept 3 entries"),
        "{ended:?}"
    );
    redis.ask(&format!("XGROUP CREATE {STREAM} other $"));
    let ended = trim(&redis, &[]);
    assert!(
        ended
            .out
            .contains("kept 3 entries: task-worker has not read it yet"),
        "{ended:?}"
    );
}
