//! The proofs: each runs on real sidecars and real brokers and counts.

mod away;
mod broker_change;
mod crashes;
mod edits;
mod flow;
mod languages;
mod names;
mod probe;
mod requests;
mod retries;
mod table;

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use harness::{Count, Effects, Ledger, QUIET, Toolbox};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::load::{self, Load};
use crate::{Stack, StackOptions};

pub use table::{ALL, Scenario};

/// Keeps the stacks' folders, with all logs, when it is set.
const KEEP: &str = "KEEP_STACKS";

/// What a scenario may use.
#[derive(Debug, Clone)]
pub struct Setup(StackOptions);

/// For what happens under load, on a machine that may be busy.
const DEADLINE: Duration = Duration::from_mins(2);

/// Long enough for everything that is redelivered after a crash with these timings, and then some.
const SETTLE_DEADLINE: Duration = Duration::from_mins(5);

/// What is tried in vain after the first attempt. With the interval it is longer than a lease.
const RETRIES: u32 = 8;

/// Brokers that drop what is published before the first subscriber has bound something to keep it in.
const FORGETFUL: [&str; 3] = ["rabbitmq", "snssqs", "gcp"];

const QUOTED: usize = 600;

/// Sidecars, a canary, an answer.
const PREFLIGHT: &str = "1m";

/// Events per second, where the broker carries so many: a fraction of what everything together carries on two cores, so that several
/// stacks do at once, and what has waited can be caught up with.
const RATE: u32 = 60;

impl Setup {
    /// With the programs that the last `cargo xtask` command has found.
    pub fn read() -> Result<Self> {
        let mut options = StackOptions::new(Toolbox::read()?);
        options.keep = std::env::var_os(KEEP).is_some();
        Ok(Self(options))
    }

    /// A stack with short timings, so that what waits for a timeout can be waited for.
    fn options(&self) -> StackOptions {
        let retry = json!({"interval": "500ms", "maxRetries": RETRIES});
        self.0.clone().with(&json!({
            "delivery": {"handlerTimeout": "1s", "retry": retry, "lease": "3s"},
            "shutdown": {"delay": "1s"},
            // How soon each hands out again what a dead sidecar had in hand. Where that is computed it follows from the times above.
            "brokers": {
                "redis": {"redeliverInterval": "1s"},
                "kafka": {"sessionTimeout": "6s", "heartbeatInterval": "2s", "initTimeout": "10s"},
                "jetstream": {"ackWait": "30s"},
            },
        }))
    }

    fn with_broker(&self, broker: &str) -> StackOptions {
        let mut options = self.options().with(&preflight(FORGETFUL.contains(&broker)));
        broker.clone_into(&mut options.broker);
        if broker == "snssqs" {
            // A Python program on a busy machine.
            let patience = json!({"deadline": "15s", "attemptTimeout": "10s"});
            options = options.with(&json!({"publish": patience}));
        }
        options
    }

    /// A stack on which events can be published: on a forgetful broker, only when a canary has got through.
    async fn start(&self, options: StackOptions) -> Result<Stack> {
        let stack = Stack::start(options).await?;
        stack.preflight().await?;
        Ok(stack)
    }
}

/// Its canary would stay among the dead letters, which scenarios look at.
fn preflight(enabled: bool) -> Value {
    json!({"preflight": {"enabled": enabled, "deadline": PREFLIGHT, "deadLetters": false}})
}

/// Events a second that a broker carries here with room to spare. In a sidecar's RabbitMQ component a publish waits for the
/// confirm of the one before; `JetStream` gives out one event at a time; moto is a Python program that does a dozen requests for each event.
fn rate(broker: &str, wanted: u32) -> u32 {
    match broker {
        "rabbitmq" => wanted.min(60),
        "jetstream" => wanted.min(40),
        "snssqs" => wanted.min(10),
        _ => wanted,
    }
}

/// A stack to which events are published all the time, and what publishers are told.
struct UnderLoad {
    ledger: Ledger,
    load: Load,
    effects: Effects,
    /// Events between two blows: a second's.
    events: usize,
    /// Effects of what was published before.
    before: usize,
}

impl UnderLoad {
    async fn start(stack: &Stack) -> Result<Self> {
        Self::at(stack, RATE).await
    }

    /// At so many events a second, when the first have been acknowledged.
    async fn at(stack: &Stack, per_second: u32) -> Result<Self> {
        let ledger = Ledger::default();
        let broker = stack.active();
        let effects = stack.effects();
        let before = effects.look().await?.len();
        let load = Load::start(&stack.endpoints, rate(broker, per_second), &ledger);
        let this = Self {
            ledger,
            load,
            effects,
            events: rate(broker, RATE) as usize,
            before,
        };
        this.go_on().await?;
        Ok(this)
    }

    async fn go_on(&self) -> Result<()> {
        self.acknowledge(self.events).await
    }

    async fn acknowledge(&self, events: usize) -> Result<()> {
        self.load.acknowledge(events, DEADLINE).await
    }

    /// Ends the load, and counts when every acknowledged event has its effect, or cannot have it any more.
    async fn count(self, stack: &Stack) -> Result<(Count, Ledger)> {
        self.load.stop().await?;
        Ok((
            settled(stack, &self.effects, &self.ledger, 0).await?,
            self.ledger,
        ))
    }

    /// The same; fails unless nothing was lost, doubled or refused.
    async fn perfect(self, stack: &Stack) -> Result<String> {
        let (count, ledger) = self.count(stack).await?;
        ledger.perfect(&count)
    }

    /// After an outage of what publishing needs: requests may have failed, but only in the documented way.
    async fn finish(self, stack: &Stack, lost: u64) -> Result<Count> {
        self.go_on().await?;
        let (ledger, before) = (self.ledger, self.before);
        self.load.stop().await?;
        for failure in ledger.failures() {
            let documented = matches!(failure.status, Some(503 | 504)) && failure.retry_after;
            ensure!(documented, "not 503 or 504 with Retry-After: {failure:?}");
        }
        let count = settled(stack, &self.effects, &ledger, lost).await?;
        let failures = ledger.failures();
        let open = failures.iter().filter(|it| it.status != Some(503)).count();
        // Of a request that was answered 503 there can be none.
        let known: HashSet<_> = ledger.acknowledged_tasks().into_iter().collect();
        let effects = self.effects.look().await?;
        let taken = effects.keys().filter(|it| !known.contains(it)).count() - before;
        let told = format!("{taken} events had an effect without a 200");
        ensure!(taken <= open, "{told}, only {open} answers left that open");
        Ok(count)
    }
}

/// Posts a task as any client does, and returns its id.
async fn post(stack: &Stack, title: &str, headers: &[(&str, &[u8])]) -> Result<Uuid> {
    let url = format!("{}/tasks", stack.endpoints.pick()?.url);
    let body = json!({ "title": title }).to_string();
    load::task(&load::post_json(stack.http(), &url, body, headers).await?)
}

async fn posts(stack: &Stack, title: &str, tasks: usize) -> Result<Vec<Uuid>> {
    let mut ids = Vec::new();
    for _ in 0..tasks {
        ids.push(post(stack, title, &[]).await?);
    }
    Ok(ids)
}

/// Waits for so many effects, and that there are no more.
async fn acted(stack: &Stack, tasks: usize) -> Result<()> {
    let effects = stack.effects();
    let all = effects.wait("effects", SETTLE_DEADLINE, |it| it.len() >= tasks);
    all.await?;
    effects.settle(QUIET).await?;
    let all: u64 = effects.look().await?.values().sum();
    ensure!(all == tasks as u64, "{tasks} tasks had {all} effects");
    Ok(())
}

/// Waits until every acknowledged event but for so many has its effect, or cannot have it any more, then counts.
async fn settled(stack: &Stack, effects: &Effects, ledger: &Ledger, lost: u64) -> Result<Count> {
    let enough = |effects: &_| ledger.missing(effects).len() as u64 <= lost;
    let all = effects.wait("every acknowledged event", SETTLE_DEADLINE, enough);
    if all.await.is_err() {
        let so_far = effects.look().await?.clone();
        let (missing, total) = (ledger.missing(&so_far), ledger.total(&so_far));
        // Those there were tried in vain; of others the sidecars' logs tell.
        let dead = stack.dead_letters().await.map(|letters| {
            let ids = missing.iter().map(Uuid::to_string);
            ids.filter(|id| letters.contains(id)).count()
        });
        let (first, logs) = (missing.first(), stack.keep_logs().display());
        bail!(
            "{total}; dead letters of them: {dead:?}, the first is {first:?}; logs are in {logs}"
        );
    }
    effects.settle(QUIET).await?;
    stack.check()?;
    Ok(ledger.total(&*effects.look().await?))
}

/// Fails when there is anything in the dead letters, with or without an effect.
async fn nothing_dead(stack: &Stack) -> Result<()> {
    let letters = stack.dead_letters().await?;
    let first: String = letters.chars().take(QUOTED).collect();
    ensure!(first.is_empty(), "in the dead letters: {first}");
    Ok(())
}
