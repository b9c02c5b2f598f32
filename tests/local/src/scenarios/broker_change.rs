//! The change of broker under load, with every rolling update that it takes.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::Count;
use serde_json::json;

use super::{FORGETFUL, SETTLE_DEADLINE, Setup, UnderLoad, preflight, probe, rate};
use crate::{PodEnd, Stack};

const RATE: u32 = 120;

/// What `task-gate` can ask here: RabbitMQ runs without its management API.
pub(super) const GATED: [&str; 2] = ["redis", "kafka"];

/// Seconds of load between two changes.
const BETWEEN: usize = 2;

pub(super) async fn there_and_back(setup: Setup, first: &str, second: &str) -> Result<String> {
    // Nobody dies here, and a lease that lapses on a busy machine would be a second effect: the next pod does not have the journal.
    let patient = json!({"handlerTimeout": "5s", "lease": "10s", "retry": {"interval": "2s"}});
    let forgetful = [first, second].iter().any(|it| FORGETFUL.contains(it));
    let options = setup.with_broker(first).with(&preflight(forgetful));
    let options = options.with(&json!({"delivery": patient}));
    let mut stack = setup.start(options).await?;
    stack.start_broker(second).await?;
    let rate = rate(first, rate(second, RATE));
    let events = BETWEEN * rate as usize;
    let under = UnderLoad::at(&stack, rate).await?;
    let mut ends = Vec::new();
    for (old, new) in [(first, second), (second, first)] {
        under.acknowledge(events).await?;
        ends.push(clean("task-worker", &stack.roll_worker().await?)?);
        under.acknowledge(events).await?;
        let worker = stack.worker.name.clone();
        let publisher = stack.change_broker(new, &[old, new]).await?;
        let publisher = publisher.context("the publisher was not rolled")?;
        ends.push(clean("task-api", &publisher)?);
        let rolled = stack.worker.name != worker;
        ensure!(!rolled, "not only the publisher rolled");
        under.acknowledge(events).await?;
        drained(&stack, &under, old).await?;
        stack.change_broker(new, &[new]).await?;
        under.acknowledge(events).await?;
    }
    let (figures, ends) = (under.perfect(&stack).await?, ends.join(", "));
    Ok(format!("{figures}; {ends}"))
}

/// Waits until nothing waits in `broker` any more; only then may it be retired. That is the gate's word where it can ask, and the ledger
/// holds it to that at the end.
async fn drained(stack: &Stack, under: &UnderLoad, broker: &str) -> Result<()> {
    if GATED.contains(&broker) {
        return stack.drain(broker, SETTLE_DEADLINE).await.map(drop);
    }
    let empty = |count: &Count| count.lost == 0;
    let drained = |effects: &_| under.ledger.count(effects).get(broker).is_none_or(empty);
    let what = format!("{broker} drained");
    stack.effects().wait(&what, SETTLE_DEADLINE, drained).await
}

/// How a pod ended that got SIGTERM under load.
fn clean(name: &str, end: &PodEnd) -> Result<String> {
    let seconds = end.after.as_secs_f32();
    ensure!(end.is_clean, "{name}: no clean end in {seconds} s");
    Ok(format!("{name} ended in {seconds:.1} s"))
}

/// Preflight stops the change; without it, the new publisher never becomes ready. The old path goes on in either case.
pub(super) async fn to_a_dead_broker(setup: Setup) -> Result<String> {
    // The discard port of loopback: nobody listens there.
    let dead = json!({"brokers": {"kafka": {"brokers": "127.0.0.1:9"}}});
    let mut options = probe::options(&setup, "redis", &dead);
    options.roll = Duration::from_secs(20);
    let mut stack = Stack::start(options).await?;
    let under = UnderLoad::start(&stack).await?;

    let unloaded = "component pubsub-kafka is not loaded: its broker does not answer";
    refused(&mut stack, &["preflight failed", unloaded]).await?;
    under.go_on().await?;

    let enabled = |enabled: bool| json!({"preflight": {"enabled": enabled}});
    stack.apply(&enabled(false)).await?;
    refused(&mut stack, &["pubsub-kafka", "broker does not answer"]).await?;
    under.go_on().await?;

    stack.apply(&enabled(true)).await?;
    stack.change_broker("redis", &[]).await?;

    // Of two subscribers one is not there, and only that one is named.
    let audit = json!({"subscribes": [{"topic": "task", "route": "/events/todo"}], "port": 8005});
    stack
        .apply(&json!({"services": {"task-audit": audit}}))
        .await?;
    let audit = "all acknowledged by the broker: not received by task-audit. ";
    stack.run_job("preflight", 1, &[audit]).await?;

    no_dead_letters(&mut stack).await?;
    under.go_on().await?;
    under.perfect(&stack).await
}

/// A publisher that has to prove the way to the dead letters is not ready before the broker takes them.
async fn no_dead_letters(stack: &mut Stack) -> Result<()> {
    const DEAD_LETTERS: &str = "task-events-dead-letter";
    // No stream: Redis answers WRONGTYPE.
    stack.redis(&["SET", DEAD_LETTERS, "in the way"]).await?;
    let values = json!({"publish": {"proveDeadLetters": true}, "preflight": {"enabled": false}});
    stack.apply(&values).await?;
    let changed = stack.change_broker("redis", &[]).await;
    let wrong = "the publisher is ready although nobody takes dead letters";
    harness::refused(changed, wrong, &["does not take events for topic"])?;
    stack.redis(&["DEL", DEAD_LETTERS]).await?;
    stack.change_broker("redis", &[]).await?;
    let canaries = stack.redis(&["XLEN", DEAD_LETTERS]).await?;
    ensure!(canaries == "1", "{canaries} canaries in {DEAD_LETTERS}");
    Ok(())
}

/// Kafka does not become the broker, and the error says all of this.
async fn refused(stack: &mut Stack, parts: &[&str]) -> Result<()> {
    let changed = stack.change_broker("kafka", &["redis", "kafka"]).await;
    let wrong = "the broker was changed although the new one is dead";
    harness::refused(changed, wrong, parts)
}
