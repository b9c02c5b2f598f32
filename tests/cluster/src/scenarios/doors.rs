//! Only the broker hands in events: what another app of the cluster can reach of a release, and what it cannot (docs/THREATS.md).

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::{Kubectl, Process};
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use http_body_util::Full;
use local_stack::Http;
use serde_json::{Value, json};

use super::pods;
use crate::{PodLogs, ROLLOUT, SOON, Site, site};

const CALL: Duration = Duration::from_secs(20);

/// A sidecar of somebody else, whose HTTP API is forwarded.
struct Stranger {
    _forward: Process,
    url: String,
}

pub(super) async fn closed(site: &Site) -> Result<String> {
    let restricted = include_str!("../../objects/namespace.yaml");
    let elsewhere = &site.beside("elsewhere", restricted).await?;
    let friend = json!({"appId": "friend", "namespace": elsewhere.namespace, "path": "/tasks", "methods": ["POST"]});
    let values = json!({"invocation": {"allow": [friend]}});
    site.upgrade(&values).await?;
    let logs = PodLogs::start(&site.kubectl, "task-worker", &site.folder)?;
    let stranger = Stranger::start(site, elsewhere, "stranger").await?;
    let friend = Stranger::start(site, elsewhere, "friend").await?;
    let neighbour = Stranger::start(site, &site.kubectl, "neighbour").await?;
    let namespace = &site.kubectl.namespace;

    // An event that no broker has seen.
    let forged = json!({
        "specversion": "1.0", "id": "forged", "source": "stranger", "type": "com.dapr.event.sent",
        "datacontenttype": "application/json", "pubsubname": "pubsub-redis", "topic": format!("task-events-{namespace}"),
        "data": {"event_type": "task.created", "task_id": uuid::Uuid::nil(), "title": "forged"}
    });
    let task = json!({"title": "through the sidecars"});
    let worker = format!("invoke/task-worker.{namespace}/method/events/todo");
    let api = |path| format!("invoke/task-api.{namespace}/method{path}");
    for (who, method, path, body) in [
        (&stranger, Method::POST, &worker, &forged),
        (&friend, Method::POST, &worker, &forged),
        (&neighbour, Method::POST, &worker, &forged),
        (&stranger, Method::POST, &api("/tasks"), &task),
        (&friend, Method::GET, &api("/openapi.json"), &Value::Null),
    ] {
        let refused = (403, "access control policy");
        who.call(method, path, body, refused).await?;
    }

    // Our Components are not the neighbour's, to publish or to hear.
    let topic = format!("publish/pubsub-redis/task-events-{namespace}");
    let unknown = (404, "ERR_PUBSUB_NOT_FOUND");
    let published = neighbour.call(Method::POST, &topic, &task, unknown);
    published.await?;
    let knows = neighbour.call(Method::GET, "metadata", &Value::Null, (200, ""));
    let knows = knows.await?;
    let ours = knows.contains("pubsub.redis") || knows.contains("state.redis");
    ensure!(!ours, "{knows}");

    // From pod to pod, by a sidecar that calls addresses for its app: ports of the sidecar and the app on the pod's loopback.
    let pod = pods::address(&site.kubectl, "task-worker").await?;
    for (port, path) in [
        (8001, "/events/todo"),
        (3500, "/v1.0/metadata"),
        (50001, "/"),
        (50002, "/"),
    ] {
        let path = format!("invoke/http://{pod}:{port}/method{path}");
        // No answer by HTTP, be it that nobody listens or that the port speaks TLS only.
        let unanswered = (500, "ERR_DIRECT_INVOKE");
        let called = stranger.call(Method::POST, &path, &forged, unanswered);
        called.await?;
    }
    // Open by design, until a NetworkPolicy closes it.
    let metrics = format!("invoke/http://{pod}:9100/method/metrics");
    let read = stranger.call(Method::GET, &metrics, &Value::Null, (200, ""));
    read.await?;

    // A caller that a value names.
    let tasks = api("/tasks");
    let created = friend.call(Method::POST, &tasks, &task, (200, ""));
    let created: Value = serde_json::from_str(&created.await?)?;
    let id = created["id"].as_str().context("no id")?.parse()?;
    logs.effects.wait_for("its task", SOON, &[id]).await?;
    let log = "logs deployment/task-worker --container=task-worker";
    let log = site.kubectl.run(log).await?;
    ensure!(!log.contains("forged"), "a forged event has had an effect");
    Ok("9 ways refused, one open to a caller that a value names".to_owned())
}

impl Stranger {
    async fn start(site: &Site, kubectl: &Kubectl, name: &str) -> Result<Self> {
        let image = site.setup.images.name("task-api");
        let objects = include_str!("../../objects/stranger.yaml");
        let values = [("name", name), ("app", &image)];
        site::apply(kubectl, &site.setup, objects, &values).await?;
        let pod = format!("pod/{name}");
        let ready = format!("wait --for=condition=Ready {pod}");
        kubectl.wait(ROLLOUT, &ready).await?;
        let (forward, url) = pods::forward(kubectl, &pod, 3500, &site.folder).await?;
        Ok(Self {
            _forward: forward,
            url,
        })
    }

    /// What came back; an error unless it is of this status and says this.
    async fn call(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        (status, part): (u16, &str),
    ) -> Result<String> {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let url = format!("{}/v1.0/{path}", self.url);
        let request = Request::builder().method(method).uri(url);
        let request = request.header(CONTENT_TYPE, "application/json");
        let request = request.body(Full::new(body.into()))?;
        let answer = Http::new().send(request, CALL).await?;
        let (came, said) = (answer.status, answer.text());
        let expected = came == status && said.contains(part);
        ensure!(expected, "{path}: {came}, not {status} {part}: {said}");
        Ok(said)
    }
}
