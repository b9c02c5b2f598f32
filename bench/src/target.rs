//! What publishes events, and what it is sent.

use std::iter::repeat_with;

use anyhow::{Context as _, Result, ensure};
use dapr::dapr::proto::runtime::v1::dapr_client::DaprClient;
use dapr::dapr::proto::runtime::v1::{
    BulkPublishRequest, BulkPublishRequestEntry, PublishEventRequest,
};
use serde_json::{Value, json};
use tonic::transport::{Channel, Endpoint};
use uuid::Uuid;

use super::broker_client::Generator;
use super::http::{self, Connection};

/// Events in one call of daprd's bulk API, and how many such calls are under way.
const BATCH: usize = 64;
const CALLS: usize = 2;

const JSON: &str = "application/json";
const TITLE: &str = "Learn Dapr pub/sub";

#[derive(Debug, Clone)]
pub(super) enum Target {
    /// By HTTP: the address, and the request.
    Http(String, Vec<u8>),
    /// The sidecar's `PublishEvent`, without any code of ours.
    Grpc(String, PublishEventRequest),
    /// The same with tasks of their own, which have so many bytes of data.
    Sized(String, PublishEventRequest, usize),
    /// Its `BulkPublishEvent`, with the same event so often.
    Bulk(String, PublishEventRequest),
    /// The broker by its own load generator.
    Own(Generator),
}

impl Target {
    pub(super) fn tasks(url: &str) -> Self {
        Self::http(url, "/tasks", &json!({ "title": TITLE }).to_string())
    }

    pub(super) fn sidecar(url: &str, pubsub: &str, topic: &str) -> Self {
        let path = format!("/v1.0/publish/{pubsub}/{topic}");
        Self::http(url, &path, &data().to_string())
    }

    fn http(url: &str, path: &str, body: &str) -> Self {
        let address = url.trim_start_matches("http://").to_owned();
        let request = http::request("POST", &address, path, body);
        Self::Http(address, request)
    }

    /// As many as have calls under way at once.
    pub(super) async fn callers(&self, connections: usize) -> Result<Vec<Caller>> {
        let mut callers = Vec::new();
        match self {
            Self::Http(address, request) => {
                for _ in 0..connections {
                    let connection = Connection::open(address).await?;
                    callers.push(Caller::Http(connection, request.clone()));
                }
            }
            Self::Grpc(url, request) => {
                let client = client(url).await?;
                let caller = || Caller::Grpc(client.clone(), request.clone());
                callers.extend(repeat_with(caller).take(connections));
            }
            Self::Sized(url, request, bytes) => {
                let client = client(url).await?;
                let mut without = data();
                without["padding"] = json!("");
                let padding = "x".repeat(bytes.saturating_sub(without.to_string().len()));
                let caller = || Caller::Sized(client.clone(), request.clone(), padding.clone());
                callers.extend(repeat_with(caller).take(connections));
            }
            Self::Bulk(url, event) => {
                let (client, request) = (client(url).await?, bulk(event));
                let caller = || Caller::Bulk(client.clone(), request.clone());
                callers.extend(repeat_with(caller).take(CALLS));
            }
            Self::Own(_) => {}
        }
        Ok(callers)
    }
}

pub(super) fn event(pubsub: &str, topic: &str) -> PublishEventRequest {
    PublishEventRequest {
        pubsub_name: pubsub.to_owned(),
        topic: topic.to_owned(),
        data: data().to_string().into_bytes(),
        data_content_type: JSON.to_owned(),
        ..Default::default()
    }
}

fn bulk(event: &PublishEventRequest) -> BulkPublishRequest {
    let entry = |number: usize| BulkPublishRequestEntry {
        entry_id: number.to_string(),
        event: event.data.clone(),
        content_type: event.data_content_type.clone(),
        ..Default::default()
    };
    BulkPublishRequest {
        pubsub_name: event.pubsub_name.clone(),
        topic: event.topic.clone(),
        entries: (0..BATCH).map(entry).collect(),
        ..Default::default()
    }
}

async fn client(url: &str) -> Result<DaprClient<Channel>> {
    let endpoint = Endpoint::from_shared(url.to_owned())?.tcp_nodelay(true);
    Ok(DaprClient::new(endpoint.connect().await?))
}

/// One call after another.
#[derive(Debug)]
pub(super) enum Caller {
    Http(Connection, Vec<u8>),
    Grpc(DaprClient<Channel>, PublishEventRequest),
    Sized(DaprClient<Channel>, PublishEventRequest, String),
    Bulk(DaprClient<Channel>, BulkPublishRequest),
}

impl Caller {
    /// Publishes, waits for the acknowledgement, and says of how many events it was. A task is entered by its id.
    pub(super) async fn publish(&mut self, tasks: &mut Vec<Uuid>) -> Result<u32> {
        match self {
            Self::Http(connection, request) => {
                let body = connection.call(request).await?;
                // The sidecar's answer has none.
                if !body.is_empty() {
                    let text = str::from_utf8(body)?;
                    let id = text.split('"').nth(3).and_then(|id| id.parse().ok());
                    tasks.push(id.with_context(|| format!("not a task: {text}"))?);
                }
                Ok(1)
            }
            Self::Grpc(client, request) => {
                client.publish_event(request.clone()).await?;
                Ok(1)
            }
            Self::Sized(client, request, padding) => {
                let (task, mut data) = (Uuid::now_v7(), data());
                data["task_id"] = json!(task);
                data["padding"] = json!(padding);
                let mut request = request.clone();
                request.data = data.to_string().into_bytes();
                client.publish_event(request).await?;
                tasks.push(task);
                Ok(1)
            }
            Self::Bulk(client, request) => {
                let answer = client.bulk_publish_event(request.clone()).await?;
                let failed = &answer.get_ref().failed_entries;
                ensure!(failed.is_empty(), "not published: {failed:?}");
                Ok(u32::try_from(BATCH)?)
            }
        }
    }
}

fn data() -> Value {
    json!({"event_type": "task.created", "task_id": Uuid::nil(), "title": TITLE})
}

/// The event as a broker gets it, in the envelope that daprd makes.
pub(super) fn envelope(pubsub: &str, topic: &str) -> String {
    let (data, id, time) = (data(), Uuid::nil(), "2026-01-01T00:00:00Z");
    json!({
        "data": data, "datacontenttype": JSON, "id": id, "pubsubname": pubsub, "source": "task-api", "specversion": "1.0",
        "time": time, "topic": topic, "type": "com.dapr.event.sent",
    })
    .to_string()
}
