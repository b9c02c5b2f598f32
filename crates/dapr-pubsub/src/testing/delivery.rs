//! Events as a sidecar brings them.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use dapr::dapr::proto::runtime::v1::TopicEventRequest;
use dapr::dapr::proto::runtime::v1::app_callback_client::AppCallbackClient;
use http::StatusCode;
use http_body_util::BodyExt as _;
use prost_types::{ListValue, Struct, Value as Protobuf, value::Kind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tower::ServiceExt as _;

use crate::{CloudEvent, Envelope, Outcome};

/// An event for a route, to be handed to a router by either protocol, or to a handler as a [`CloudEvent`].
///
/// ```
/// use dapr_pubsub::testing::Delivery;
/// use dapr_pubsub::{CloudEvent, Outcome, Subscription, Subscriptions};
///
/// #[derive(serde::Deserialize)]
/// struct Task {
///     title: String,
/// }
///
/// async fn todo(event: CloudEvent<Task>) -> Outcome {
///     if event.data.title.is_empty() { Outcome::Drop } else { Outcome::Success }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let delivery = Delivery::json("/events/todo", &serde_json::json!({ "title": "" })).id("7");
/// // The handler alone.
/// assert_eq!(todo(delivery.event()).await, Outcome::Drop);
/// // With all that is around it.
/// let router = Subscriptions::new()
///     .on(Subscription::new("task-events", "/events/todo"), todo)
///     .into_router();
/// assert_eq!(delivery.by_grpc(&router).await, Outcome::Drop);
/// assert_eq!(delivery.by_http(&router).await, Outcome::Drop);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Delivery {
    route: String,
    envelope: Map<String, Value>,
    headers: Vec<(String, String)>,
}

impl Delivery {
    /// An event with this data as JSON, of the id `1`, the source `test` and Dapr's type, for `route`.
    pub fn json(route: impl Into<String>, data: &impl Serialize) -> Self {
        let new = Self {
            route: route.into(),
            envelope: Map::new(),
            headers: Vec::new(),
        };
        new.id("1")
            .source("test")
            .kind("com.dapr.event.sent")
            .attribute("specversion", "1.0")
            .attribute("datacontenttype", "application/json")
            .attribute("data", serde_json::to_value(data).unwrap())
    }

    /// The event's `id`.
    #[must_use]
    pub fn id(self, id: &str) -> Self {
        self.attribute("id", id)
    }

    /// The event's `source`.
    #[must_use]
    pub fn source(self, source: &str) -> Self {
        self.attribute("source", source)
    }

    /// The event's `type`.
    #[must_use]
    pub fn kind(self, kind: &str) -> Self {
        self.attribute("type", kind)
    }

    /// Any member of the envelope, `data` and extensions included; `Value::Null` takes it out.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: impl Into<Value>) -> Self {
        match value.into() {
            Value::Null => drop(self.envelope.remove(name)),
            value => drop(self.envelope.insert(name.to_owned(), value)),
        }
        self
    }

    /// A header, or metadata of the call: a token, what the broker adds.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// As a handler gets it.
    ///
    /// # Panics
    /// It cannot be decoded.
    pub fn event<T: DeserializeOwned>(&self) -> CloudEvent<T> {
        Envelope::parse(&self.body()).unwrap().decode().unwrap()
    }

    /// What a sidecar sends by HTTP.
    pub fn http_request(&self) -> Request {
        let request = Request::post(&self.route)
            .header("content-type", "application/cloudevents+json")
            .header("pubsubname", self.text("pubsubname"));
        let headers = self.headers.iter();
        let request = headers.fold(request, |request, (name, value)| {
            request.header(name, value)
        });
        request.body(Body::from(self.body())).unwrap()
    }

    /// What a sidecar sends by gRPC, to `OnTopicEvent`. `data` and `data_base64` go as daprd would send them: JSON, or a text as it is
    /// where `datacontenttype` is no JSON.
    pub fn grpc_request(&self) -> tonic::Request<TopicEventRequest> {
        const FIELDS: [&str; 7] = [
            "id",
            "source",
            "type",
            "specversion",
            "datacontenttype",
            "data",
            "data_base64",
        ];
        let extensions = self.envelope.iter();
        let extensions = extensions.filter(|(name, _)| !FIELDS.contains(&name.as_str()));
        let fields = extensions.map(|(name, value)| (name.clone(), protobuf(value)));
        let mut request = tonic::Request::new(TopicEventRequest {
            id: self.text("id"),
            source: self.text("source"),
            r#type: self.text("type"),
            spec_version: self.text("specversion"),
            data_content_type: self.text("datacontenttype"),
            data: self.data(),
            topic: self.text("topic"),
            pubsub_name: self.text("pubsubname"),
            path: self.route.clone(),
            extensions: Some(Struct {
                fields: fields.collect(),
            }),
        });
        for (name, value) in &self.headers {
            let name: tonic::metadata::AsciiMetadataKey = name.parse().unwrap();
            request.metadata_mut().append(name, value.parse().unwrap());
        }
        request
    }

    /// Delivers it by HTTP.
    ///
    /// # Panics
    /// The answer is no outcome: without the right token, or for a route that is not declared.
    pub async fn by_http(&self, router: &Router) -> Outcome {
        let answer = router.clone().oneshot(self.http_request()).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&body);
        let outcomes = [Outcome::Success, Outcome::Retry, Outcome::Drop];
        let outcome = outcomes.into_iter().find(|it| it.body() == text);
        match outcome {
            Some(outcome) if status == StatusCode::OK => outcome,
            _ => panic!("{}: answered {status}: {text}", self.route),
        }
    }

    /// Delivers it by gRPC.
    ///
    /// # Panics
    /// The answer is no outcome: without the right token.
    pub async fn by_grpc(&self, router: &Router) -> Outcome {
        let mut client = AppCallbackClient::new(router.clone());
        let answer = client.on_topic_event(self.grpc_request()).await;
        match answer.unwrap().into_inner().status {
            0 => Outcome::Success,
            1 => Outcome::Retry,
            _ => Outcome::Drop,
        }
    }

    fn body(&self) -> Vec<u8> {
        serde_json::to_vec(&self.envelope).unwrap()
    }

    fn text(&self, name: &str) -> String {
        let value = self.envelope.get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    }

    fn data(&self) -> Vec<u8> {
        use base64::Engine as _;
        if let Some(Value::String(encoded)) = self.envelope.get("data_base64") {
            let standard = base64::engine::general_purpose::STANDARD;
            return standard.decode(encoded).unwrap();
        }
        let json = self.text("datacontenttype").starts_with("application/json");
        match self.envelope.get("data") {
            None => Vec::new(),
            Some(Value::String(text)) if !json => text.clone().into_bytes(),
            Some(value) => serde_json::to_vec(value).unwrap(),
        }
    }
}

fn protobuf(value: &Value) -> Protobuf {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(*value),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(values) => Kind::ListValue(ListValue {
            values: values.iter().map(protobuf).collect(),
        }),
        Value::Object(members) => Kind::StructValue(Struct {
            fields: members
                .iter()
                .map(|(name, value)| (name.clone(), protobuf(value)))
                .collect(),
        }),
    };
    Protobuf { kind: Some(kind) }
}
