//! A sidecar that takes every event at once and does nothing with it: what is left is our own code.
//!
//! The generated server trait has a hundred methods and no defaults, so the three that `task-api` calls are routed by their paths.

use std::convert::Infallible;
use std::future::ready;

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::serve::ListenerExt as _;
use dapr::dapr::proto::runtime::v1::{GetMetadataResponse, RegisteredComponents};
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::server::Grpc;
use tonic::{Request, Response};
use tonic_prost::ProstCodec;
use tower::service_fn;

/// It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Stub {
    pub(super) url: String,
    _server: JoinSet<std::io::Result<()>>,
}

impl Stub {
    /// With this component loaded.
    pub(super) async fn start(pubsub: &str) -> Result<Self> {
        let component = RegisteredComponents {
            name: pubsub.to_owned(),
            ..Default::default()
        };
        let metadata = GetMetadataResponse {
            runtime_version: "1.18.3".to_owned(),
            registered_components: vec![component],
            ..Default::default()
        };
        // Without entries that failed, a bulk call's answer is empty, too.
        let published = service_fn(|request| answer(request, ()));
        let metadata = service_fn(move |request| answer(request, metadata.clone()));
        let path = |method| format!("/dapr.proto.runtime.v1.Dapr/{method}");
        let api = Router::new()
            .route_service(&path("PublishEvent"), published)
            .route_service(&path("BulkPublishEvent"), published)
            .route_service(&path("GetMetadata"), metadata);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
        let mut server = JoinSet::new();
        server.spawn(axum::serve(listener, api).into_future());
        Ok(Self {
            url,
            _server: server,
        })
    }
}

/// What was sent is not looked at.
async fn answer<M: Message + Clone + Default + 'static>(
    request: http::Request<Body>,
    message: M,
) -> Result<http::Response<tonic::body::Body>, Infallible> {
    let service = service_fn(move |_: Request<()>| ready(Ok(Response::new(message.clone()))));
    let mut codec = Grpc::new(ProstCodec::default());
    Ok(codec.unary(service, request).await)
}
