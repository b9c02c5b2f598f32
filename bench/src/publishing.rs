//! Publishing, in one stack: all targets in turn, round by round.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::{Toolbox, console::Step, until};
use local_stack::Stack;
use serde_json::json;

use super::broker_client::Generator;
use super::figures::Figures;
use super::generator::{Load, publish};
use super::programs::Program;
use super::stub::Stub;
use super::target::{Target, envelope, event};
use super::usage::Processes;
use super::{Args, ROWS};

/// Of the rows, what may be left out for want of a program.
const OPTIONAL: [&str; 2] = ["broker_client", "fastapi"];

/// The component with Dapr's default settings.
const DEFAULTS: &str = "pubsub-defaults";

/// How often the start of `task-api` is measured.
const STARTS: usize = 5;

struct Setup<'a> {
    stack: &'a Stack,
    toolbox: &'a Toolbox,
    stub: &'a Stub,
    pubsub: &'a str,
    topic: &'a str,
    /// By what they serve; kept running.
    programs: BTreeMap<String, Program>,
}

pub(super) async fn measure(
    args: &Args,
    stack: &mut Stack,
    toolbox: &Toolbox,
    figures: &mut Figures,
) -> Result<()> {
    // Publishing is what is measured; consuming would take its processor.
    stack.worker.service()?.kill().await?;
    stack.worker.sidecar.kill().await?;
    add_defaults(stack).await?;
    let stack = &*stack;
    let variable = |name| stack.api.template.variable(name);
    let (pubsub, topic) = (variable("PUBSUB_NAME")?, variable("TOPIC")?);
    let (stub, programs) = (&Stub::start(pubsub).await?, BTreeMap::new());
    let mut setup = Setup {
        stack,
        toolbox,
        stub,
        pubsub,
        topic,
        programs,
    };
    let mut targets = Vec::new();
    for (key, name) in ROWS.into_iter().filter(|(key, _)| args.wants(key)) {
        match setup.target(key).await {
            Err(why) if OPTIONAL.contains(&key) => {
                figures.left_out.insert(key, format!("{why:#}"));
            }
            target => targets.push((key, name, target.context(name)?)),
        }
    }
    let processes = Processes::of(stack, &[&stack.api]);
    let load = args.load();
    for round in 1..=args.rounds {
        for (key, name, target) in &targets {
            let step = Step::start(format!("round {round}: {name}"));
            let work = async {
                if let Target::Own(generator) = target {
                    let event = envelope(pubsub, topic);
                    return generator.publish(stack, load, &event).await;
                }
                let published = publish(target, load).await?;
                Ok((published.events, published.took))
            };
            let mut processes = processes.clone();
            if let Some(program) = setup.programs.get(*key) {
                let name = if *key == "fastapi" { key } else { "task-api" };
                processes = processes.serving(name, program.process.id());
            }
            let ((events, took), usage) = processes.during(load.duration, work).await?;
            let rate = figures.run(key, events, took, usage);
            step.done(&format!("{rate:.0} a second"));
        }
        if args.wants("latency") {
            let step = Step::start(format!("round {round}: latency"));
            let load = Load {
                rate: Some(args.rate),
                ..load
            };
            for (name, key) in [
                ("latency", "post_tasks"),
                ("sidecar_latency", "sidecar_grpc"),
            ] {
                let latencies = publish(&setup.target(key).await?, load).await?.latencies;
                for (quantile, part) in [("p50", 0.5), ("p99", 0.99)] {
                    let taken = Duration::from_micros(latencies.value_at_quantile(part));
                    figures.add(format!("{name}_{quantile}_ms"), taken.as_secs_f64() * 1e3);
                }
            }
            step.done(&format!("{} a second", args.rate));
        }
    }
    for _ in 0..STARTS {
        let start = setup.beside_stub().await?.start;
        figures.add("start_to_ready_ms", start.as_secs_f64() * 1e3);
    }
    Ok(())
}

impl Setup<'_> {
    async fn target(&mut self, key: &str) -> Result<Target> {
        let Self {
            stack,
            toolbox,
            pubsub,
            topic,
            ..
        } = *self;
        let sidecar = &stack.api.sidecar;
        let program = match key {
            "post_tasks" => return Ok(Target::tasks(&stack.api.service()?.url())),
            "sidecar_grpc" => return Ok(Target::Grpc(sidecar.grpc_url(), event(pubsub, topic))),
            "sidecar_grpc_defaults" => {
                return Ok(Target::Grpc(sidecar.grpc_url(), event(DEFAULTS, topic)));
            }
            "sidecar_bulk" => return Ok(Target::Bulk(sidecar.grpc_url(), event(pubsub, topic))),
            "sidecar_http" => return Ok(Target::sidecar(&sidecar.url(), pubsub, topic)),
            "broker_client" => return Ok(Target::Own(Generator::find(stack.active(), toolbox)?)),
            "post_tasks_defaults" => {
                let env = ("PUBSUB_NAME", DEFAULTS);
                Program::task_api(stack, toolbox, env).await?
            }
            "fastapi" => {
                let python = toolbox.path("fastapi")?;
                Program::fastapi(stack, python, DEFAULTS).await?
            }
            _ => self.beside_stub().await?,
        };
        let target = Target::tasks(&program.url);
        self.programs.insert(key.to_owned(), program);
        Ok(target)
    }

    async fn beside_stub(&self) -> Result<Program> {
        let env = ("DAPR_GRPC_ENDPOINT", &*self.stub.url);
        Program::task_api(self.stack, self.toolbox, env).await
    }
}

/// Adds a component of the same broker that says only where it is, as the tutorial's does, and waits until the sidecar has it.
async fn add_defaults(stack: &mut Stack) -> Result<()> {
    let broker = stack.active();
    let values = stack.broker_values();
    let names = match broker {
        "kafka" => [
            ("brokers", &values["brokers"]),
            ("authType", &json!("none")),
        ],
        _ => [
            ("redisHost", &values["host"]),
            ("redisPassword", &json!("")),
        ],
    };
    let metadata = names.map(|(name, value)| json!({"name": name, "value": value}));
    let component = json!({
        "apiVersion": "dapr.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": DEFAULTS},
        "spec": {"type": format!("pubsub.{broker}"), "version": "v1", "metadata": metadata},
    });
    let more = json!({"extraObjects": [component]});
    stack.apply(&more).await?;
    let (client, deadline) = (stack.api_client()?, Duration::from_secs(30));
    until(DEFAULTS, deadline, async || {
        let loaded = client.components(deadline).await?;
        let there = loaded.iter().any(|it| it.name == DEFAULTS);
        Ok((!there).then(|| "the sidecar has not loaded it".to_owned()))
    })
    .await
}
