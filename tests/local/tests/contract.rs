//! One declaration on both sides: what the services declare is what the chart renders.

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use harness::chart::{self, Rendered, render, text};
use harness::{Deployment, Toolbox};
use local_stack::environment::parse;
use serde_json::json;
use service_kit::config::Check;

#[tokio::test]
async fn services_and_chart_have_the_same_routes_topics_ports_and_timings() -> Result<()> {
    let toolbox = Toolbox::read()?;
    let helm = toolbox.path("helm")?;
    let mut values = json!({
        "broker": {"active": "kafka", "subscribe": ["redis", "kafka", "rabbitmq"]},
        "preflight": {"enabled": true},
        "smoke": {"enabled": true},
    });
    let rendered = render(helm, &values).await?;
    let api = rendered.deployment_of("task-api")?;
    let worker = rendered.deployment_of("task-worker")?;
    config::<task_api::Config>(&api)?;
    config::<task_worker::Config>(&worker)?;
    let own = task_api::Config::parse_from(["task-api"]).service;
    port(&api, own.listen_addr.port())?;
    let own = task_worker::Config::parse_from(["task-worker"]).service;
    port(&worker, own.listen_addr.port())?;
    probe(&rendered, &api, &worker)?;
    let rule = json!([{"match": "has(event.data.title)", "path": "/events/other"}]);
    let hears = json!([{"topic": "task", "route": "/events/todo", "rules": rule}]);
    values["services"] = json!({"task-worker": {"subscribes": hears}});
    let ruled = render(helm, &values).await?;
    let ruled = ruled.of_kind("Subscription").next();
    let ruled = ruled.context("no Subscription")?;
    let canaries = format!("event.type == \"{}\"", dapr_pubsub::CANARY_TYPE);
    let first = text(&ruled["spec"]["routes"]["rules"][0]["match"]);
    same("the rule for canaries", &first, &canaries)?;
    values["services"] = json!({});

    values["subscription"] = json!({"mode": "programmatic"});
    let programmatic = render(helm, &values).await?;
    let worker = programmatic.deployment_of("task-worker")?;
    let worker = config::<task_worker::Config>(&worker)?;
    let declared = worker.subscription();
    same("the topic", &api.variable("TOPIC")?, &declared.topic())?;
    let specs: Vec<_> = rendered.of_kind("Subscription").collect();
    let entries = declared.entries();
    same("subscriptions", &specs.len(), &entries.len())?;
    for entry in entries {
        let declared = serde_json::to_value(&entry)?;
        let mut specs = specs.iter().map(|it| &it["spec"]);
        let spec = specs.find(|spec| spec["pubsubname"] == declared["pubsubname"]);
        let spec = spec.with_context(|| format!("no Subscription like {declared}"))?;
        for field in ["topic", "routes", "deadLetterTopic", "metadata"] {
            same(field, &spec[field], &declared[field])?;
        }
    }
    Ok(())
}

fn same(what: &str, chart: &impl ToString, code: &impl ToString) -> Result<()> {
    let (chart, code) = (chart.to_string(), code.to_string());
    let agree = chart == code;
    ensure!(agree, "{what}: {chart} in the chart, {code} in the code");
    Ok(())
}

/// The environment that the chart sets must be one that the service starts with.
fn config<C: Parser + Check>(deployment: &Deployment) -> Result<C> {
    parse(&[], &deployment.env).with_context(|| format!("the environment of {}", deployment.name))
}

/// `dapr.io/app-port` must be the port on which the service listens, here and by its own default.
fn port(deployment: &Deployment, port: u16) -> Result<()> {
    let annotated = deployment.annotation("app-port").unwrap_or_default();
    same("dapr.io/app-port", &annotated, &port)?;
    let listens = deployment.variable("LISTEN_ADDR")?.rsplit_once(':');
    same("LISTEN_ADDR", &listens.context("no port")?.1, &port)
}

/// The probe's Jobs must start, and wait for the names under which the subscribers record.
fn probe(rendered: &Rendered, api: &Deployment, worker: &Deployment) -> Result<()> {
    for check in ["preflight", "smoke"] {
        let mut jobs = rendered.of_kind("Job");
        let job = jobs.find(|job| chart::name(job).ends_with(check));
        let job = Deployment::read(job.with_context(|| format!("no Job {check}"))?)?;
        let config = parse::<task_probe::Config>(&[check.to_owned()], &job.env);
        let config = config.with_context(|| format!("the environment of {check}"))?;
        let app_id = |of: &Deployment| of.annotation("app-id").unwrap_or_default().to_owned();
        same(&format!("{check}'s id"), &app_id(&job), &config.app_id)?;
        let consumers: Vec<_> = config.expected().consumers().into_iter().collect();
        let consumer = worker.variable("CONSUMER")?;
        same("consumers", &consumer, &consumers.join(", "))?;
        if check == "smoke" {
            same("the events' source", &app_id(api), &config.api_app_id)?;
        } else {
            let pubsub = api.variable("PUBSUB_NAME")?;
            same("the component", &pubsub, &config.pubsub_name)?;
        }
    }
    Ok(())
}
