//! One declaration on both sides: what the services declare is what the chart renders.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use clap::Parser as _;
use harness::chart::{Chart, Rendered};
use harness::deployment::Deployment;
use harness::workspace;
use serde_json::json;

use harness::toolbox::Toolbox;

#[tokio::test]
async fn services_and_chart_have_the_same_routes_topics_ports_and_timings() -> Result<()> {
    let helm = Toolbox::read()?.helm;
    let chart = Chart::new(&helm, workspace().join("charts/task-pubsub"), "task-pubsub");
    let mut values = json!({
        "broker": {"active": "kafka", "subscribe": ["redis", "kafka", "rabbitmq"]},
        "preflight": {"enabled": true},
        "smoke": {"enabled": true},
    });
    let rendered = chart.render(&values).await?;
    let api = rendered.deployment_of("task-api")?;
    worker_config(&rendered.deployment_of("task-worker")?.env)?;

    values["subscription"] = json!({"mode": "programmatic"});
    let programmatic = chart.render(&values).await?;
    let env = programmatic.deployment_of("task-worker")?.env;
    let declared = worker_config(&env)?.subscription.subscription();
    let entries = declared.entries();
    let subscriptions = rendered.of_kind("Subscription");
    let specs: Vec<_> = subscriptions.map(|it| &it.object["spec"]).collect();
    ensure!(
        entries.len() == specs.len(),
        "{} Subscriptions, and task-worker lists {}",
        specs.len(),
        entries.len()
    );
    for entry in entries {
        let declared = serde_json::to_value(&entry)?;
        let mut specs = specs.iter();
        let spec = specs.find(|spec| spec["pubsubname"] == declared["pubsubname"]);
        let spec = spec.with_context(|| format!("no Subscription like {declared}"))?;
        for field in ["topic", "routes", "deadLetterTopic", "metadata"] {
            ensure!(
                spec[field] == declared[field],
                "{field} is {} in task-worker and {} in the chart",
                declared[field],
                spec[field]
            );
        }
    }
    let topic = api.variable("TOPIC")?;
    ensure!(
        topic == declared.topic(),
        "task-api publishes to {topic}, task-worker subscribes to {}",
        declared.topic()
    );
    task_api_config(&api.env)?;
    ports(&rendered)?;
    probe(&rendered)?;
    Ok(())
}

/// The environment that the chart sets must be one that the service starts with.
fn worker_config(env: &BTreeMap<String, String>) -> Result<task_worker::Config> {
    local_stack::environment::parse(env).context("the environment of task-worker")
}

fn task_api_config(env: &BTreeMap<String, String>) -> Result<task_api::Config> {
    local_stack::environment::parse(env).context("the environment of task-api")
}

/// The probe's Jobs must start, and wait for the names under which the subscribers record.
fn probe(rendered: &Rendered) -> Result<()> {
    let (api, worker) = (
        rendered.deployment_of("task-api")?,
        rendered.deployment_of("task-worker")?,
    );
    let consumer = worker.variable("CONSUMER")?;
    for check in ["preflight", "smoke"] {
        let mut jobs = rendered.of_kind("Job");
        let job = jobs.find(|job| job.name.ends_with(check));
        let job = Deployment::read(job.with_context(|| format!("no Job {check}"))?)?;
        let config: task_probe::Config =
            local_stack::environment::parse_with(&[check.to_owned()], &job.env)
                .with_context(|| format!("the environment of {check}"))?;
        let expected = config.expected().consumers();
        ensure!(
            expected.iter().eq([consumer]),
            "{check} waits for {expected:?}, task-worker records as {consumer}"
        );
        ensure!(
            job.annotation("app-id") == Some(&config.app_id),
            "{check} says that it is {}, and its sidecar that it is {:?}",
            config.app_id,
            job.annotation("app-id")
        );
        let source = Some(config.api_app_id.as_str());
        ensure!(
            check != "smoke" || api.annotation("app-id") == source,
            "smoke looks for events of {source:?}"
        );
        let pubsub = api.variable("PUBSUB_NAME")?;
        ensure!(
            check != "preflight" || config.pubsub_name == pubsub,
            "preflight proves {}, task-api publishes to {pubsub}",
            config.pubsub_name
        );
    }
    Ok(())
}

/// `dapr.io/app-port` must be the port on which the service listens, here and by its own default.
fn ports(rendered: &Rendered) -> Result<()> {
    let api = task_api::Config::parse_from(["task-api"])
        .listen_addr
        .port();
    let worker = task_worker::Config::parse_from(["task-worker"])
        .listen_addr
        .port();
    for (app, port) in [("task-api", api), ("task-worker", worker)] {
        let deployment = rendered.deployment_of(app)?;
        let annotated = deployment
            .annotation("app-port")
            .context("no dapr.io/app-port")?;
        let listens = deployment.variable("LISTEN_ADDR")?;
        ensure!(
            annotated == port.to_string(),
            "{app} listens on {port}, dapr.io/app-port is {annotated}"
        );
        ensure!(
            listens.ends_with(&format!(":{port}")),
            "{app} listens on {port}, LISTEN_ADDR is {listens}"
        );
    }
    Ok(())
}
