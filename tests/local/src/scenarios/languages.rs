//! Programs in other languages: those of `docs/examples`, by the values of the chart's `ci` that LANGUAGES.md tells of.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::chart::{self, text};
use harness::{command::output, until, workspace};
use serde_json::{Value, json};
use tokio::process::Command;

use super::flow::created;
use super::{DEADLINE, Setup, acted, post, posts};
use crate::load::traceparent;
use crate::{Program, Stack, StackOptions};

const EVENTS: usize = 20;
const TITLE: &str = "Learn Dapr pub/sub";

/// Where Go has compiled nothing of it yet, on a busy machine.
const BUILD: Duration = Duration::from_mins(5);

/// The tutorial's two apps beside each other, then a worker of ours in the place of theirs; and subscribers in Go and JavaScript of what ours publish.
pub(super) async fn of_others(
    setup: Setup,
    python: &str,
    go: &str,
    node: &str,
    broker: &str,
) -> Result<String> {
    let (python, others) = (in_python(&setup, python), of_ours(&setup, go, node, broker));
    let (python, others) = tokio::try_join!(python, others)?;
    Ok(format!("{python}; {others}"))
}

async fn in_python(setup: &Setup, python: &str) -> Result<String> {
    let mut options = with_example(setup.options(), "python")?;
    for app in ["task-api", "task-worker"] {
        // The image's own start script names a folder of the image.
        let words = vec![
            setup.0.toolbox.path(python)?.into(),
            "-m".into(),
            "uvicorn".into(),
        ];
        let folder = example("python").join(app);
        options.foreign.insert(app, Program { words, folder });
    }
    let mut stack = setup.start(options).await?;
    let env = |name| stack.api.template.variable(name);
    // As the tutorial has them in its code.
    let names = (env("PUBSUB_NAME")?, env("TOPIC")?);
    ensure!(names == ("pubsub", "task-events"), "other names: {names:?}");
    hear(&stack, &["task-worker"], "pubsub").await?;

    let ours = json!({
        "subscribes": [{"topic": "task", "route": "/events/todo"}],
        "inbox": true, "command": [],
    });
    let ours = json!({"services": {"task-worker": ours}});
    stack.apply(&ours).await?;
    stack.roll_worker().await?;
    posts(&stack, TITLE, EVENTS).await?;
    acted(&stack, EVENTS).await?;
    Ok(format!(
        "{EVENTS} events from Python to Python, {EVENTS} to task-worker"
    ))
}

async fn of_ours(setup: &Setup, go: &str, node: &str, broker: &str) -> Result<String> {
    let ledger = workspace().join("target/task-ledger");
    let mut build = Command::new(setup.0.toolbox.path(go)?);
    build.current_dir(example("go")).args(["build", "-o"]);
    build.arg(&ledger);
    build.envs([("GOWORK", "off"), ("CGO_ENABLED", "0")]);
    output(&mut build, BUILD, "").await?;

    // As long as the sidecar of task-mail needs to notice that it ends.
    let patient = json!({"shutdown": {"delay": "3s"}});
    let options = with_example(setup.with_broker(broker).with(&patient), "go")?;
    let mut options = with_example(options, "javascript")?;
    options.beside = vec!["task-ledger", "task-mail"];
    for (app, program, folder) in [
        ("task-ledger", ledger, "go"),
        (
            "task-mail",
            setup.0.toolbox.path(node)?.into(),
            "javascript",
        ),
    ] {
        let (words, folder) = (vec![program], example(folder));
        options.foreign.insert(app, Program { words, folder });
    }
    let stack = setup.start(options).await?;
    let component = format!("pubsub-{broker}");
    hear(&stack, &["task-ledger", "task-mail"], &component).await?;
    acted(&stack, EVENTS).await?;
    Ok(format!(
        "{EVENTS} events from task-api to Go and to JavaScript"
    ))
}

/// Posts tasks, and waits until each of these apps has said of each once what LANGUAGES.md says that it gets.
async fn hear(stack: &Stack, apps: &[&str], component: &str) -> Result<()> {
    let is_ours = stack.api.template.env.contains_key("ADMIN_ADDR");
    let mut tasks = Vec::new();
    for _ in 0..EVENTS {
        let (trace, parent) = traceparent();
        let headers = [("traceparent", parent.as_bytes())];
        tasks.push((post(stack, TITLE, &headers).await?, trace));
    }
    for app in apps {
        let mut events: Vec<Value> = Vec::new();
        until(app, DEADLINE, async || {
            let log = fs::read_to_string(stack.log(app))?;
            let lines = log.lines().map(serde_json::from_str);
            events = lines.flatten().collect();
            let said = events.len();
            Ok((said < EVENTS).then(|| format!("{said} of {EVENTS} events")))
        })
        .await?;
        ensure!(events.len() == EVENTS, "{app}: {} events", events.len());
        for (task, trace) in &tasks {
            let data = created(*task, TITLE);
            let event = events.iter().find(|it| it["data"] == data);
            let event = event.with_context(|| format!("{app}: no {data}"))?;
            let mut expected = event.clone();
            expected["source"] = "task-api".into();
            expected["type"] = "com.dapr.event.sent".into();
            expected["topic"] = "task-events".into();
            expected["pubsubname"] = component.into();
            let there = |name: &str, part| text(&event[name]).contains(part);
            // The tutorial's publisher does not go on with a client's trace.
            let traced = there("traceparent", if is_ours { trace } else { "00-" });
            let all = *event == expected && traced && there("time", "T") && there("id", "-");
            ensure!(all, "{app}, {trace}: {event}");
        }
    }
    Ok(())
}

fn with_example(options: StackOptions, name: &str) -> Result<StackOptions> {
    let file = chart::folder().join(format!("ci/{name}.yaml"));
    let values: Value = serde_norway::from_str(&fs::read_to_string(file)?)?;
    Ok(options.with(&values))
}

fn example(name: &str) -> PathBuf {
    workspace().join("docs/examples").join(name)
}
