//! What dies under load, one after the other on one stack, and what must not be noticed.

use std::fs;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::until;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{DEADLINE, Setup, UnderLoad, away, nothing_dead};
use crate::pod::journal_of;
use crate::{Container, Stack};

/// How often the worker is killed: a kill hits other events each time.
const KILLS: usize = 4;

/// Events that a sidecar gives out at the same time, where the broker's component has a bound for it. `JetStream` gives out one, and
/// Kafka one of each partition.
const CONCURRENCY: usize = 64;

/// Events that pile up in front of a worker that has stopped moving, before it or its sidecar is killed.
const IN_HAND: usize = 80;

/// From the start of one container to that of the other: longer than the first one's patience with a connection.
const APART: Duration = Duration::from_secs(3);

/// Of the state store. Longer than a failing handler is given with the short timings of scenarios, twelve seconds.
const OUTAGE: u32 = 15;
const LONG_OUTAGE: u32 = 300;

const LOOK: Duration = Duration::from_secs(1);

/// What RabbitMQ may lose when a connection breaks: the one event that the publishing sidecar has on its way. It writes
/// that this was not confirmed, and answers success all the same (components-contrib 1.18.3, pubsub/rabbitmq,
/// `publishSync`).
const UNCONFIRMED: u64 = 1;
const NOT_CONFIRMED: &str = "did not receive confirmation of publishing";

/// With up to [`CONCURRENCY`] events in hand.
fn concurrency(broker: &str) -> Value {
    match broker {
        "kafka" | "jetstream" => json!({}),
        _ => json!({"brokers": {broker: {"concurrency": CONCURRENCY}}}),
    }
}

async fn start(setup: &Setup, broker: &str, values: &Value) -> Result<Stack> {
    let mut options = setup.with_broker(broker).with(values);
    // Where the worker was away, it may have its sidecar started again when it hears nothing.
    options.restarts = true;
    setup.start(options).await
}

pub(super) async fn of_everything(setup: Setup, broker: &str) -> Result<String> {
    let mut stack = start(&setup, broker, &concurrency(broker)).await?;
    let mut told = Vec::new();
    let mut tell = |what: &str, result: Result<String>| {
        let figures = result.with_context(|| what.to_owned())?;
        told.push(format!("{what}: {figures}"));
        anyhow::Ok(())
    };
    tell("the worker killed", worker(&stack).await)?;
    tell("its sidecar killed", sidecar(&stack).await)?;
    tell("the worker away", away::shortly(&stack).await)?;
    if broker == "kafka" {
        tell("worker and sidecar restarted", both(&stack).await)?;
        tell("no state store", state_store(&mut stack, OUTAGE).await)?;
    }
    if broker == "redis" {
        let killed = publisher_sidecar(&stack).await;
        tell("the publisher's sidecar killed", killed)?;
    }
    tell("the broker killed", self::broker(&mut stack).await)?;
    told.extend(stack.take_restarts());
    Ok(told.join("; "))
}

pub(super) async fn of_the_worker(setup: Setup, broker: &str) -> Result<String> {
    worker(&start(&setup, broker, &concurrency(broker)).await?).await
}

/// By HTTP it has one event in hand. With several, a race in daprd 1.18 takes deliveries for handled that no app has answered:
/// `docs/UPSTREAM.md` has the place.
pub(super) async fn of_the_worker_by_http(setup: Setup, broker: &str) -> Result<String> {
    let one = json!({"dapr.io/app-max-concurrency": "1"});
    let values = json!({
        "delivery": {"protocol": "http"},
        "brokers": {broker: {"concurrency": 1}},
        "services": {"task-worker": {"sidecar": {"annotations": one}}},
    });
    worker(&start(&setup, broker, &values).await?).await
}

pub(super) async fn of_worker_and_sidecar(setup: Setup, broker: &str) -> Result<String> {
    both(&start(&setup, broker, &json!({})).await?).await
}

pub(super) async fn of_the_state_store_for_long(setup: Setup, broker: &str) -> Result<String> {
    state_store(&mut start(&setup, broker, &json!({})).await?, LONG_OUTAGE).await
}

/// Again and again: now with as many events in hand as the sidecar gives out, now when it has begun to work them off, so that some have
/// had their effect and are not yet recorded as done.
async fn worker(stack: &Stack) -> Result<String> {
    let under = UnderLoad::start(stack).await?;
    let (worker, effects) = (stack.worker.service()?, &under.effects);
    for kill in 0..KILLS {
        worker.process().suspend();
        under.acknowledge(IN_HAND).await?;
        if kill % 2 == 1 {
            let before = effects.look().await?.len();
            worker.process().resume();
            let some = effects.wait("an effect", DEADLINE, |effects| effects.len() > before);
            some.await?;
        }
        worker.restart().await?;
        stack.ready().await?;
        under.go_on().await?;
    }
    but_unrecorded(stack, under, KILLS).await
}

async fn sidecar(stack: &Stack) -> Result<String> {
    let under = UnderLoad::start(stack).await?;
    let worker = stack.worker.service()?.process();
    worker.suspend();
    under.acknowledge(IN_HAND).await?;
    stack.worker.sidecar.kill().await?;
    worker.resume();
    stack.worker.sidecar.restart().await?;
    stack.ready().await?;
    under.go_on().await?;
    under.perfect(stack).await
}

/// Both containers of the worker end, and one is back before the other.
async fn both(stack: &Stack) -> Result<String> {
    let under = UnderLoad::start(stack).await?;
    let (worker, sidecar) = (stack.worker.service()?, &stack.worker.sidecar);
    let (worker, sidecar): (&Container, &Container) = (worker, sidecar);
    for (first, second) in [(sidecar, worker), (worker, sidecar)] {
        tokio::try_join!(worker.kill(), sidecar.kill())?;
        first.restart().await?;
        sleep(APART).await;
        second.restart().await?;
        stack.ready().await?;
        under.go_on().await?;
    }
    but_unrecorded(stack, under, 2).await
}

/// A long outage of what the worker needs: back-pressure, not dead letters. First it can be read and takes nothing, then it is away.
async fn state_store(stack: &mut Stack, seconds: u32) -> Result<String> {
    let under = UnderLoad::start(stack).await?;
    let outage = Duration::from_secs(seconds.into());
    stack.redis(&["CONFIG", "SET", "maxmemory", "1"]).await?;
    until("a worker that says so", DEADLINE, async || {
        let ready = stack.worker.ready(stack.http(), LOOK).await;
        let said = ready.map_or_else(|error| format!("{error:#}"), |()| "it is ready".to_owned());
        Ok((!said.contains("takes no record")).then_some(said))
    })
    .await?;
    sleep(outage).await;
    stack.redis(&["CONFIG", "SET", "maxmemory", "0"]).await?;
    under.go_on().await?;
    stack.broker("redis")?.kill().await?;
    sleep(outage).await;
    stack.broker("redis")?.start().await?;
    under.go_on().await?;
    let (count, ledger) = under.count(stack).await?;
    nothing_dead(stack).await?;
    ledger.perfect(&count)
}

async fn publisher_sidecar(stack: &Stack) -> Result<String> {
    let under = UnderLoad::start(stack).await?;
    stack.api.sidecar.kill().await?;
    under.load.fail(DEADLINE).await?;
    stack.api.sidecar.restart().await?;
    stack.ready().await?;
    under.finish(stack, 0).await?.exactly_once()
}

async fn broker(stack: &mut Stack) -> Result<String> {
    let under = UnderLoad::start(stack).await?;
    let entry = stack.active().to_owned();
    let broker = stack.broker(&entry)?;
    if entry == "kafka" {
        broker.stop().await?;
        broker.start().await?;
    } else {
        // Harder than a restart: what is not on the disk is gone.
        broker.kill().await?;
        under.load.fail(DEADLINE).await?;
        broker.start().await?;
    }
    if entry != "rabbitmq" {
        return under.finish(stack, 0).await?.exactly_once();
    }
    let mut count = under.finish(stack, UNCONFIRMED).await?;
    let sidecar = fs::read_to_string(&stack.api.sidecar.process().log)?;
    let unconfirmed = sidecar.matches(NOT_CONFIRMED).count() as u64;
    let lost = std::mem::take(&mut count.lost);
    let figures = count.exactly_once()?;
    let told = format!("{lost} lost of {unconfirmed} that were not confirmed; else {figures}");
    ensure!(lost <= UNCONFIRMED.min(unconfirmed), "{told}");
    Ok(told)
}

/// Fails unless all is perfect but for effects that are not in the journal: the worker was killed between its two writes. It awaits
/// nothing between them, so one of each thread can be there when it is killed.
pub(super) async fn but_unrecorded(
    stack: &Stack,
    under: UnderLoad,
    kills: usize,
) -> Result<String> {
    let (mut count, ledger) = under.count(stack).await?;
    if count.duplicated_effects == 0 {
        return ledger.perfect(&count);
    }
    let (doubled, unrecorded) = (count.duplicated_effects, unrecorded(stack).await?);
    count.duplicated_effects = 0;
    let figures = ledger.perfect(&count)?;
    let told = format!("{doubled} doubled of {unrecorded} that the journal lacks; else {figures}");
    let most = (kills * available_parallelism()?.get()) as u64;
    ensure!(doubled <= unrecorded && doubled <= most, "{told}");
    Ok(told)
}

async fn unrecorded(stack: &Stack) -> Result<u64> {
    let effects: u64 = stack.effects().look().await?.values().sum();
    let journal = journal_of(&stack.site.folder.path, &stack.worker.name);
    // The generation before the one that is written, if there is one. Older ones are forgotten: after a long run this is too much.
    let older = fs::read_to_string(journal.with_added_extension("1")).unwrap_or_default();
    let journal = fs::read_to_string(journal).context("the worker's journal")?;
    let recorded = older.lines().chain(journal.lines()).count();
    Ok(effects.saturating_sub(recorded as u64))
}
