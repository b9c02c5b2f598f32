//! Closed loops: as many requests as a target answers, so many at once.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use dapr::dapr::proto::runtime::v1::PublishEventRequest;
use dapr::dapr::proto::runtime::v1::dapr_client::DaprClient;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use local_stack::{Http, Stack};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};

const DEADLINE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    /// The whole way: HTTP, validation, publisher, sidecar, broker.
    PostTasks,
    /// The peer: `PublishEvent` over one connection, without any code of ours.
    SidecarGrpc,
    /// What most clients do.
    SidecarHttp,
}

impl Target {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::PostTasks => "POST /tasks",
            Self::SidecarGrpc => "daprd, gRPC",
            Self::SidecarHttp => "daprd, HTTP",
        }
    }
}

/// One way to publish an event and wait for its acknowledgement.
#[derive(Clone)]
enum Caller {
    Grpc(DaprClient<Channel>, Box<PublishEventRequest>),
    Http(Http, Box<Request<Full<Bytes>>>),
}

impl Caller {
    async fn publish(&mut self) -> Result<()> {
        match self {
            Self::Grpc(client, request) => {
                let call = client.publish_event(*request.clone());
                tokio::time::timeout(DEADLINE, call)
                    .await
                    .context("no answer")??;
            }
            Self::Http(http, request) => {
                let answer = http.send(*request.clone(), DEADLINE).await?;
                let (status, text) = (answer.status, answer.text());
                ensure!(status.is_success(), "{status}: {text}");
            }
        }
        Ok(())
    }
}

/// Acknowledged events a second.
pub(super) async fn rate(
    target: Target,
    stack: &Stack,
    connections: usize,
    duration: Duration,
) -> Result<f64> {
    let caller = caller(target, stack)?;
    let started = Instant::now();
    let mut loops = JoinSet::new();
    for _ in 0..connections {
        let mut caller = caller.clone();
        loops.spawn(async move {
            let mut published = 0_u32;
            while started.elapsed() < duration {
                caller.publish().await?;
                published += 1;
            }
            anyhow::Ok(published)
        });
    }
    let mut published = 0;
    while let Some(ended) = loops.join_next().await {
        published += ended??;
    }
    Ok(f64::from(published) / started.elapsed().as_secs_f64())
}

fn caller(target: Target, stack: &Stack) -> Result<Caller> {
    let api = &stack.api;
    let variable = |name| api.template.variable(name).map(str::to_owned);
    let (pubsub, topic) = (variable("PUBSUB_NAME")?, variable("TOPIC")?);
    let event = json!({"event_type": "task.created", "task_id": uuid::Uuid::nil(), "title": "Learn Dapr pub/sub"});
    Ok(match target {
        Target::PostTasks => {
            let url = format!("{}/tasks", api.service()?.url());
            Caller::Http(
                Http::new(),
                request(&url, &json!({"title": "Learn Dapr pub/sub"}))?,
            )
        }
        Target::SidecarHttp => {
            let url = format!("{}/v1.0/publish/{pubsub}/{topic}", api.sidecar.url());
            Caller::Http(Http::new(), request(&url, &event)?)
        }
        Target::SidecarGrpc => {
            let channel = Endpoint::from_shared(api.sidecar.grpc_url())?
                .tcp_nodelay(true)
                .connect_lazy();
            let request = PublishEventRequest {
                pubsub_name: pubsub,
                topic,
                data: event.to_string().into_bytes(),
                data_content_type: "application/json".to_owned(),
                metadata: HashMap::new(),
            };
            Caller::Grpc(DaprClient::new(channel), Box::new(request))
        }
    })
}

fn request(url: &str, body: &Value) -> Result<Box<Request<Full<Bytes>>>> {
    let request = Request::post(url).header(CONTENT_TYPE, "application/json");
    Ok(Box::new(request.body(Full::from(body.to_string()))?))
}
