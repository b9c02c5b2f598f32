//! The calls of daprd's API that this crate makes.
//!
//! The generated `Dapr` server trait has a hundred methods and no defaults, so requests are dispatched here by path, as the generated
//! code does it.

use std::convert::Infallible;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use dapr::dapr::proto::runtime::v1::{
    BulkPublishRequest, BulkPublishRequestEntry, BulkPublishResponse, GetMetadataRequest,
    GetMetadataResponse, PublishEventRequest, PubsubSubscription, RegisteredComponents,
    ShutdownRequest,
};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

use super::sidecar::{Answer, Inner, PublishCall, SentEvent};
use super::state::StateStore;

#[derive(Clone)]
pub(super) struct Api {
    pub(super) inner: Arc<Inner>,
}

impl NamedService for Api {
    const NAME: &'static str = "dapr.proto.runtime.v1.Dapr";
}

type Answered = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

impl Service<http::Request<Body>> for Api {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answered;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Answered {
        let inner = Arc::clone(&self.inner);
        let method = request
            .uri()
            .path()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        match method.as_str() {
            "PublishEvent" => unary(request, service_fn(move |it| publish(inner.clone(), it))),
            "BulkPublishEvent" => unary(request, service_fn(move |it| bulk(inner.clone(), it))),
            "GetMetadata" => unary(
                request,
                service_fn(move |_: Request<GetMetadataRequest>| ready(Ok(metadata(&inner)))),
            ),
            "Shutdown" => unary(
                request,
                service_fn(move |_: Request<ShutdownRequest>| {
                    inner.shutdowns.fetch_add(1, Ordering::Relaxed);
                    ready(Ok(Response::new(())))
                }),
            ),
            "SaveState" => state(inner, request, |on, it| async move { on.save(it).await }),
            "ExecuteStateTransaction" => {
                state(
                    inner,
                    request,
                    |on, it| async move { on.transact(it).await },
                )
            }
            "GetState" => state(inner, request, |on, it| async move { on.get(it).await }),
            "DeleteState" => state(inner, request, |on, it| async move { on.delete(it).await }),
            _ => Box::pin(async { Ok(Status::unimplemented("not faked").into_http()) }),
        }
    }
}

fn unary<M, R, S>(request: http::Request<Body>, service: S) -> Answered
where
    M: prost::Message + Default + 'static,
    R: prost::Message + Default + 'static,
    S: UnaryService<M, Response = R> + Send + 'static,
    S::Future: Send,
{
    Box::pin(async move {
        Ok(Grpc::new(ProstCodec::default())
            .unary(service, request)
            .await)
    })
}

/// A call of the state API, done by the state store.
fn state<M, R, F>(
    inner: Arc<Inner>,
    request: http::Request<Body>,
    call: impl Fn(Arc<StateStore>, M) -> F + Send + 'static,
) -> Answered
where
    M: prost::Message + Default + 'static,
    R: prost::Message + Default + 'static,
    F: Future<Output = Result<R, Status>> + Send + 'static,
{
    let answered = move |request: Request<M>| {
        let answer = call(Arc::clone(&inner.state), request.into_inner());
        async move { answer.await.map(Response::new) }
    };
    unary(request, service_fn(answered))
}

async fn publish(
    inner: Arc<Inner>,
    request: Request<PublishEventRequest>,
) -> Result<Response<()>, Status> {
    let headers = request.metadata().clone();
    let event = request.into_inner();
    let sent = SentEvent::new(event.data, event.data_content_type, event.metadata);
    let call = PublishCall {
        bulk: false,
        pubsub: event.pubsub_name,
        topic: event.topic,
        events: vec![sent],
        headers,
    };
    answer(&inner, call).await?;
    Ok(Response::new(()))
}

async fn bulk(
    inner: Arc<Inner>,
    request: Request<BulkPublishRequest>,
) -> Result<Response<BulkPublishResponse>, Status> {
    let headers = request.metadata().clone();
    let BulkPublishRequest {
        pubsub_name: pubsub,
        topic,
        entries,
        metadata,
    } = request.into_inner();
    let mut names: Vec<_> = entries.iter().map(|entry| &entry.entry_id).collect();
    names.sort();
    names.dedup();
    if names.len() < entries.len() {
        return Err(Status::invalid_argument("entryId is duplicated"));
    }
    let event = |entry: BulkPublishRequestEntry| {
        // An entry's own come before those of the whole.
        let metadata = metadata.clone().into_iter().chain(entry.metadata).collect();
        SentEvent::new(entry.event, entry.content_type, metadata)
    };
    let call = PublishCall {
        bulk: true,
        pubsub,
        topic,
        events: entries.into_iter().map(event).collect(),
        headers,
    };
    answer(&inner, call).await?;
    Ok(Response::new(BulkPublishResponse::default()))
}

async fn answer(inner: &Inner, call: PublishCall) -> Result<(), Status> {
    let answer = {
        let mut script = inner.script.lock().unwrap();
        script.as_mut().map_or(Answer::Ok, |script| script(&call))
    };
    inner.calls.lock().unwrap().push(call);
    match answer {
        Answer::Ok => Ok(()),
        Answer::Fail(status) => Err(status),
        Answer::Held(gate) => {
            gate.acquire().await.unwrap().forget();
            Ok(())
        }
        Answer::Never => std::future::pending().await,
    }
}

fn metadata(inner: &Inner) -> Response<GetMetadataResponse> {
    let components = inner.components.lock().unwrap().clone();
    let registered_components = components
        .into_iter()
        .map(|(name, kind)| RegisteredComponents {
            name,
            r#type: kind,
            ..Default::default()
        })
        .collect();
    let subscriptions = inner.subscriptions.lock().unwrap().clone();
    let subscriptions = subscriptions
        .into_iter()
        .map(|(pubsub_name, topic)| PubsubSubscription {
            pubsub_name,
            topic,
            ..Default::default()
        })
        .collect();
    Response::new(GetMetadataResponse {
        registered_components,
        subscriptions,
        ..Default::default()
    })
}
