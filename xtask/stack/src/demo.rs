//! `cargo xtask demo`: tasks flow, and the broker changes under load.

mod table;
mod trace;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};

use harness::console::{self, Step, style};
use harness::{Effects, Ledger, MARK, Toolbox};
use local_stack::load::{self, Load};
use local_stack::{Stack, StackOptions};
use serde_json::json;

use crate::orders;

/// Events per second while the broker changes.
const RATE: u32 = 500;
const EVENTS: usize = 1500;
const DEADLINE: Duration = Duration::from_mins(1);
const QUIET: Duration = Duration::from_secs(3);
const TITLES: [&str; 3] = ["Learn Dapr pub/sub", "Change the broker", "Lose nothing"];

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Prints one line of JSON on standard output at the end.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    let step = Step::start("start");
    // The publisher says what it has published, so that its side of the trace can be shown.
    let level = json!({"log": {"level": "info,task_api=debug"}});
    let options = StackOptions::new(Toolbox::read()?).with(&level);
    let mut options = orders::beside(options)?;
    options.progress = step.bar();
    let mut stack = Stack::start(options).await?;
    step.done("Redis, four services with a sidecar each; the chart's own rendering");

    let ledger = Ledger::default();
    let effects = stack.effects();
    let shown = greet(&stack, &ledger, &effects).await?;
    let trace_id = trace::of_task(&stack, &shown)?;
    change(&mut stack, &ledger, &effects).await?;

    let step = Step::start("count");
    let tasks = ledger.acknowledged_tasks();
    let all = effects.wait_for("every acknowledged event", DEADLINE, &tasks);
    all.await.ok();
    effects.settle(QUIET).await?;
    let effects = effects.look().await?.clone();
    let (brokers, total) = (ledger.count(&effects), ledger.total(&effects));
    step.done("what publishers were told against what the worker's log says");
    let step = Step::start("stop");
    stack.shutdown().await?;
    step.done("no process and no file left");

    if args.json {
        let mut line = serde_json::to_value(&total)?;
        line["brokers"] = json!(brokers.keys().collect::<Vec<_>>());
        line["per_broker"] = json!(brokers);
        line["trace_id"] = json!(trace_id);
        console::result(line);
    } else {
        console::result(table::render(&brokers, &total));
        console::result(format!(
            "trace {trace_id}: POST /tasks in task-api, process task-events in task-worker"
        ));
    }
    Ok(match ledger.perfect(&total) {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

/// A few tasks and an order, one by one, and what the workers make of them. Returns the first one's id.
async fn greet(stack: &Stack, ledger: &Ledger, effects: &Effects) -> Result<String> {
    let endpoint = stack.endpoints.pick()?;
    let (url, mut first) = (format!("{}/tasks", endpoint.url), None);
    for title in TITLES {
        let (_, parent) = load::traceparent();
        let headers = [("traceparent", parent.as_bytes())];
        let body = json!({ "title": title }).to_string();
        console::note(&format!("    POST /tasks {body}"));
        let answer = load::post_json(stack.http(), &url, body, &headers).await?;
        dim(&format!(
            "      {} {}",
            answer.status.as_u16(),
            answer.text()
        ));
        let task = load::task(&answer)?;
        ledger.acknowledged(&endpoint.broker, task);
        let what = "the worker's line";
        effects.wait_for(what, DEADLINE, &[task]).await?;
        let line = stack.line_of("task-worker", task)?;
        let (_, data) = line.split_once(MARK).unwrap_or_default();
        dim(&format!("      task-worker: {MARK}{data}"));
        first.get_or_insert(task);
    }
    console::note(&format!("    POST /orders {}", orders::order()));
    let (answer, effect) = orders::place(stack, DEADLINE).await?;
    dim(&format!("      {answer}"));
    dim(&format!("      {}: {effect}", orders::WORKER));
    Ok(first.context("no task")?.to_string())
}

fn dim(line: &str) {
    console::note(&style(line).dim().for_stderr().to_string());
}

/// From Redis to Kafka: subscribe to both, switch, drain, retire.
async fn change(stack: &mut Stack, ledger: &Ledger, effects: &Effects) -> Result<()> {
    let step = Step::start("Kafka");
    stack.start_broker("kafka").await?;
    step.done("started; nobody uses it yet");

    let step = Step::start("load on Redis");
    let load = Load::start(&stack.endpoints, RATE, ledger);
    load.acknowledge(EVENTS, DEADLINE).await?;
    step.done(&format!("{RATE} tasks a second, and they go on"));

    let step = Step::start("broker.active: kafka");
    let ended = stack.change_broker("kafka", &["redis", "kafka"]).await?;
    let rolled = ended.map_or("nothing", |_| "task-api");
    step.done(&format!("subscribed to both, rolled {rolled}"));

    let step = Step::start("load on Kafka");
    load.acknowledge(EVENTS, DEADLINE).await?;
    step.done("the same load, the other broker");

    let step = Step::start("Redis drained");
    let drained = |effects: &_| {
        let counts = ledger.count(effects);
        counts.get("redis").is_none_or(|redis| redis.lost == 0)
    };
    effects.wait("Redis drained", DEADLINE, drained).await?;
    step.done("everything that it had acknowledged has had its effect");

    let step = Step::start("broker.subscribe: [kafka]");
    stack.change_broker("kafka", &["kafka"]).await?;
    load.acknowledge(EVENTS / 3, DEADLINE).await?;
    load.stop().await?;
    step.done("Redis retired as a broker");
    Ok(())
}
