//! The proofs: each runs on real sidecars and real brokers and counts.

mod answers;
mod away;
mod bad_input;
mod broker_change;
mod crashes;
mod edits;
mod idempotency;
mod outage;
mod payloads;
mod probe;
mod shutdown;
mod table;
mod trace;
mod tutorial;
mod worker_killed;

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::json;
use uuid::Uuid;

use crate::{Stack, StackOptions};
use harness::ledger::{Count, Ledger};
use harness::worker_log::WorkerLog;
use harness::{chart::merge, toolbox::Toolbox};

pub use table::{ALL, LONG, Scenario};

/// Keeps the stacks' folders, with all logs, when it is set.
const KEEP: &str = "KEEP_STACKS";

/// What a scenario may use.
#[derive(Debug, Clone)]
pub struct Setup {
    toolbox: Toolbox,
    keep: bool,
}

/// Long enough for everything that is redelivered after a crash with these timings, and then some.
const SETTLE_DEADLINE: Duration = Duration::from_mins(2);

/// A second effect would come by then: longer than the retry interval and the lease.
const QUIET: Duration = Duration::from_secs(5);

/// Brokers that drop what is published before the first subscriber has bound something to keep it in.
const FORGETFUL: [&str; 3] = ["rabbitmq", "snssqs", "gcp"];

/// So much of a dead letter is quoted.
const QUOTED: usize = 600;

/// Sidecars, a canary, an answer.
const PREFLIGHT: &str = "1m";

impl Setup {
    /// With the programs that the last `cargo xtask` command has found.
    pub fn read() -> Result<Self> {
        Ok(Self {
            toolbox: Toolbox::read()?,
            keep: std::env::var_os(KEEP).is_some(),
        })
    }

    /// A stack with short timings, so that what waits for a timeout can be waited for.
    fn options(&self) -> StackOptions {
        let mut options = StackOptions::new(self.toolbox.clone());
        options.keep = self.keep;
        options.values = json!({
            "delivery": {"handlerTimeout": "1s", "retry": {"interval": "500ms", "maxRetries": 20}, "lease": "3s"},
        });
        options
    }

    fn with_broker(&self, broker: &str) -> StackOptions {
        self.with_brokers(broker, &[])
    }

    /// With `standby` to change to.
    fn with_brokers(&self, broker: &str, standby: &[&str]) -> StackOptions {
        let mut options = self.options();
        broker.clone_into(&mut options.broker);
        options.standby = standby.iter().map(|&entry| entry.to_owned()).collect();
        let forgetful = FORGETFUL
            .iter()
            .any(|it| *it == broker || standby.contains(it));
        let preflight = json!({"enabled": forgetful, "deadline": PREFLIGHT});
        merge(&mut options.values, &json!({"preflight": preflight}));
        options
    }

    /// A stack on which events can be published: on a forgetful broker, only when a canary has got through.
    async fn start(&self, options: StackOptions) -> Result<Stack> {
        let stack = Stack::start(options).await?;
        stack.preflight().await?;
        Ok(stack)
    }
}

/// Events a second that a broker carries here with room to spare. In a sidecar's RabbitMQ component a publish waits for the
/// confirm of the one before; moto is a Python program that does a dozen requests for each event.
fn rate(broker: &str, wanted: u32) -> u32 {
    match broker {
        "rabbitmq" => wanted.min(200),
        "snssqs" => wanted.min(20),
        _ => wanted,
    }
}

/// Waits until every acknowledged event has its effect, or cannot have it any more, then counts.
async fn settled(stack: &Stack, ledger: &Ledger) -> Result<Count> {
    settled_but(stack, ledger, || 0).await
}

/// The same where so many events may be missing for good, which can depend on what has come to light meanwhile.
async fn settled_but(stack: &Stack, ledger: &Ledger, lost: impl Fn() -> usize) -> Result<Count> {
    let mut log = WorkerLog::new(&stack.worker_log());
    let all = log
        .wait("every acknowledged event", SETTLE_DEADLINE, |effects| {
            let missing = ledger.missing(effects).len();
            missing == 0 || missing <= lost()
        })
        .await;
    if all.is_err() {
        let whereabouts = whereabouts(stack, &ledger.missing(log.effects())).await;
        let logs = stack.keep_logs()?;
        bail!(
            "{}; {whereabouts}; logs are in {}",
            ledger.total(log.effects()),
            logs.display()
        );
    }
    log.settle(QUIET).await?;
    stack.check()?;
    Ok(ledger.total(log.effects()))
}

/// What became of events without an effect. Those in the dead letters were tried in vain; of others the sidecars' logs tell.
async fn whereabouts(stack: &Stack, lost: &[Uuid]) -> String {
    let letters = async {
        let topic = stack.dead_letter_topic(stack.broker())?;
        anyhow::Ok(stack.read_topic(stack.broker(), topic).await?.concat())
    };
    let first = lost.first().map(ToString::to_string).unwrap_or_default();
    match letters.await {
        Ok(letters) => {
            let dead = lost.iter().filter(|id| letters.contains(&id.to_string()));
            format!(
                "{} of them in the dead letters, the first is {first}",
                dead.count()
            )
        }
        Err(error) => format!("the first is {first}; no look into the dead letters: {error:#}"),
    }
}

/// Fails when there is anything in the dead letters, with or without an effect.
async fn nothing_dead(stack: &Stack) -> Result<()> {
    let topic = stack.dead_letter_topic(stack.broker())?;
    let letters = stack.read_topic(stack.broker(), topic).await?;
    let first = letters.iter().find(|letter| !letter.is_empty());
    if let Some(first) = first {
        let first: String = first.chars().take(QUOTED).collect();
        bail!("in the dead letters: {first}");
    }
    Ok(())
}

/// Fails unless every acknowledged event had exactly one effect.
fn exactly_once(count: &Count) -> Result<String> {
    let figures = count.to_string();
    ensure!(
        count.acknowledged > 0 && count.lost == 0 && count.duplicated_effects == 0,
        "{figures}"
    );
    Ok(figures)
}

/// Fails unless, in addition, no publish failed.
fn perfect(count: &Count, ledger: &Ledger) -> Result<String> {
    let figures = exactly_once(count)?;
    ensure!(
        count.is_perfect(),
        "{figures}; the first failure: {:?}",
        ledger.failures().first()
    );
    Ok(figures)
}
