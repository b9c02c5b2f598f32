//! Preflight and smoke, as their Jobs run them: what they prove, and that they fail where they must.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{QUIET, SETTLE_DEADLINE, Setup};
use crate::{Stack, StackOptions};
use harness::chart::merge;
use harness::worker_log::WorkerLog;

/// What the Jobs may take here. A failure takes all of it.
const DEADLINE: Duration = Duration::from_secs(20);

/// The start of the sidecar, and the end of the process.
const BESIDES: Duration = Duration::from_secs(20);

fn options(setup: &Setup, broker: &str, more: &Value) -> StackOptions {
    let mut options = setup.with_broker(broker);
    let deadline = format!("{}s", DEADLINE.as_secs());
    let probe = json!({
        "preflight": {"enabled": true, "deadline": deadline},
        "smoke": {"enabled": true, "deadline": deadline},
        // Kafka's own default is longer than the deadline.
        "brokers": {"kafka": {"initTimeout": "10s"}},
    });
    merge(&mut options.values, &probe);
    merge(&mut options.values, more);
    options
}

/// Passes without an effect; fails by its deadline, with the name of the subscriber, when that is away.
pub(super) async fn preflight(setup: Setup, broker: &str) -> Result<String> {
    let tokens = json!({"tokens": {"daprApiTokenSecret": "dapr", "appTokenSecret": "app"}});
    let stack = Stack::start(options(&setup, broker, &tokens)).await?;
    let passed = stack.run_job("preflight").await?;
    let proof = format!(
        "a canary to task-events went through pubsub-{broker} and was recorded by task-worker"
    );
    passed.expect(0, &["preflight passed", &proof])?;
    ensure!(
        canaries(&stack).await? > 0,
        "the worker has counted no canary"
    );

    stack.kill_worker().await?;
    let failed = stack.run_job("preflight").await?;
    failed.expect(1, &["preflight failed", "not received by task-worker"])?;
    ensure!(
        failed.after < DEADLINE + BESIDES,
        "it took {:?} to say so",
        failed.after
    );

    // What was published meanwhile is delivered now, and has no effect either.
    stack.restart_worker().await?;
    stack
        .run_job("preflight")
        .await?
        .expect(0, &["preflight passed"])?;
    let mut log = WorkerLog::new(&stack.worker_log());
    log.settle(QUIET).await?;
    let effects = log.effects().len();
    ensure!(effects == 0, "canaries have had {effects} effects");
    let canaries = canaries(&stack).await?;
    stack.check()?;
    stack.shutdown().await?;
    Ok(format!(
        "passed in {:?}, failed in {:?} without the worker; {canaries} canaries, 0 effects",
        passed.after, failed.after
    ))
}

/// Fails with the name of the component when the new broker is dead, and with the name of the one subscriber that is missing.
pub(super) async fn dead_broker(setup: Setup) -> Result<String> {
    // The discard port of loopback: nobody listens there.
    let dead = json!({"brokers": {"kafka": {"brokers": "127.0.0.1:9"}}});
    let mut stack = Stack::start(options(&setup, "redis", &dead)).await?;
    stack
        .apply(&json!({"broker": {"active": "kafka", "subscribe": ["redis", "kafka"]}}))
        .await?;
    let failed = stack.run_job("preflight").await?;
    failed.expect(
        1,
        &[
            "preflight failed",
            "component pubsub-kafka is not loaded: its broker does not answer",
        ],
    )?;
    stack
        .apply(&json!({"broker": {"active": "redis", "subscribe": []}}))
        .await?;
    let passed = stack.run_job("preflight").await?;
    passed.expect(0, &["went through pubsub-redis"])?;

    // Of two subscribers one is not there, and only that one is named.
    stack
        .apply(&json!({"services": {"task-audit": {"role": "subscriber", "port": 8005}}}))
        .await?;
    let missed = stack.run_job("preflight").await?;
    missed.expect(
        1,
        &["all acknowledged by the broker: not received by task-audit. "],
    )?;
    stack.shutdown().await?;
    Ok(format!(
        "failed in {:?}, passed in {:?} after the revert, failed in {:?} with a subscriber that is not there",
        failed.after, passed.after, missed.after
    ))
}

/// A task with its effect; fails, with the event's id and the subscriber's name, when nobody acts on it.
pub(super) async fn smoke(setup: Setup) -> Result<String> {
    // With ordinary sidecars, which the probe has to end.
    let block = json!({"shutdown": {"sidecar": "block"}});
    let stack = Stack::start(options(&setup, "redis", &block)).await?;
    let passed = stack.run_job("smoke").await?;
    passed.expect(
        0,
        &[
            "smoke passed",
            "its event was received by task-worker",
            "5 wrong requests were refused",
        ],
    )?;
    effects(&stack, 1).await?;

    stack.kill_worker().await?;
    let failed = stack.run_job("smoke").await?;
    failed.expect(
        1,
        &[
            "smoke failed",
            "answered 200",
            "not received by task-worker",
        ],
    )?;
    stack.restart_worker().await?;
    effects(&stack, 2).await?;
    stack.check()?;
    stack.shutdown().await?;
    Ok(format!(
        "passed in {:?}, failed in {:?} without the worker; 2 tasks, 2 effects",
        passed.after, failed.after
    ))
}

/// Waits for so many effects, and that there are no more.
async fn effects(stack: &Stack, tasks: usize) -> Result<()> {
    let mut log = WorkerLog::new(&stack.worker_log());
    log.wait("the tasks' effects", SETTLE_DEADLINE, |effects| {
        effects.len() >= tasks
    })
    .await?;
    log.settle(QUIET).await?;
    let all: u64 = log.effects().values().sum();
    ensure!(all == tasks as u64, "{tasks} tasks had {all} effects");
    Ok(())
}

/// What the worker's metrics say.
async fn canaries(stack: &Stack) -> Result<u64> {
    let url = format!("{}/metrics", stack.worker().service()?.admin_url());
    let answer = stack.http().get(&url, Duration::from_secs(5)).await?.text();
    let lines = answer
        .lines()
        .filter(|line| line.starts_with("dapr_pubsub_canaries"));
    Ok(lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum())
}
